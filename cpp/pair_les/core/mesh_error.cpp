// SPDX-License-Identifier: MIT

#include "mesh_error.h"

#include "constants.h"

#include <cmath>
#include <vector>

namespace pair_les {

namespace {

constexpr int IMAGES =
    3; // alias images -1, 0, 1 of each axis; further ones are below the Gaussian's reach

// square of the Fourier transform of the assignment function at n + M (image - 1), per axis: sinc^(2 order)
std::vector<double> assignment_square(int points, int order)
{
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(points) * IMAGES);
  for (int n = 0; n < points; ++n)
    for (int image = -1; image <= 1; ++image) {
      const int centered = (n > points / 2 ? n - points : n) + image * points;
      const double x = PI * centered / points;
      values.push_back(centered == 0 ? 1.0 : std::pow(std::sin(x) / x, 2 * order));
    }
  return values;
}

struct Aliases {
  double reference = 0.0;      // sum of |R|^2, R = -i k 4 pi exp(-k^2/4g^2) / k^2
  double weight = 0.0;         // sum of U^2
  double weight_square = 0.0;  // sum of U^2 k^2
  double projected = 0.0;      // sum of U^2 k . R
  double along[3] = {0, 0, 0}; // sum of U^2 R
};

} // namespace

double mesh_error_integral(const ParticleMesh &mesh, int process, int n_processes)
{
  const int *const points = mesh.points;
  std::vector<double> assignment[3];
  for (int axis = 0; axis < 3; ++axis)
    assignment[axis] = assignment_square(points[axis], mesh.order);
  const double inverse = 1.0 / (4.0 * mesh.g_ewald * mesh.g_ewald);

  double sum = 0.0;
  for (int nx = process; nx <= points[0] / 2; nx += n_processes)
    for (int ny = 0; ny < points[1]; ++ny)
      for (int nz = 0; nz < points[2]; ++nz) {
        const int centered[3] = {nx, ny > points[1] / 2 ? ny - points[1] : ny,
                                 nz > points[2] / 2 ? nz - points[2] : nz};
        double k0[3] = {0.0, 0.0, 0.0}; // of the mesh vector itself: what ik differentiates with
        Aliases a;
        for (int image = 0; image < IMAGES * IMAGES * IMAGES; ++image) {
          const int m[3] = {image / 9, (image / 3) % 3, image % 3};
          double k[3] = {0.0, 0.0, 0.0}, u = 1.0;
          for (int axis = 0; axis < 3; ++axis) {
            const double n = centered[axis] + (m[axis] - 1) * points[axis];
            for (int c = 0; c < 3; ++c) k[c] += n * mesh.reciprocal[axis][c];
            const int index = axis == 0 ? nx : axis == 1 ? ny : nz;
            u *= assignment[axis][static_cast<std::size_t>(IMAGES * index + m[axis])];
          }
          const double square = k[0] * k[0] + k[1] * k[1] + k[2] * k[2];
          if (m[0] == 1 && m[1] == 1 && m[2] == 1)
            for (int c = 0; c < 3; ++c) k0[c] = k[c];
          a.weight += u;
          if (square == 0.0) continue;
          const double field = 4.0 * PI * std::exp(-square * inverse); // |R| k
          a.reference += field * field / square;
          a.weight_square += u * square;
          a.projected += u * field;
          for (int c = 0; c < 3; ++c) a.along[c] += u * field * k[c] / square;
        }
        const double k_square = k0[0] * k0[0] + k0[1] * k0[1] + k0[2] * k0[2];
        double reproduced = 0.0; // what the best influence function gets right
        if (k_square > 0.0) {
          if (mesh.analytic_differentiation)
            reproduced = a.projected * a.projected / (a.weight * a.weight_square);
          else {
            const double overlap = k0[0] * a.along[0] + k0[1] * a.along[1] + k0[2] * a.along[2];
            reproduced = overlap * overlap / (k_square * a.weight * a.weight);
          }
        }
        const bool own_inverse = nx == 0 || 2 * nx == points[0]; // k and -k both in the plane
        sum += (own_inverse ? 1.0 : 2.0) * std::fmax(a.reference - reproduced, 0.0);
      }
  return sum / mesh.volume;
}

double mesh_force_error(double error_integral, double charge_square, double n_charges,
                        double volume)
{
  return charge_square * std::sqrt(error_integral / (n_charges * volume));
}

double cutoff_force_error(double g_ewald, double cutoff, double charge_square, double n_charges,
                          double volume)
{
  return 2.0 * charge_square * std::exp(-g_ewald * g_ewald * cutoff * cutoff) /
         std::sqrt(n_charges * cutoff * volume);
}

} // namespace pair_les
