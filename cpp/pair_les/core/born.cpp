// SPDX-License-Identifier: MIT

#include "born.h"

#include "constants.h"

#include <cmath>
#include <utility>

namespace pair_les {

namespace {

using Vector = std::array<double, 3>;

// sum_g h_g factor_g
Vector combine(const Lattice &lattice, const Vector &factor)
{
  Vector sum{};
  for (int g = 0; g < 3; ++g)
    for (int a = 0; a < 3; ++a) sum[a] += lattice.vectors[g][a] * factor[g];
  return sum;
}

// L of an edge: what a charge at its center is away from its neighbor, with the opposite sign
Vector edge_arm(const Lattice &lattice, const double *edge)
{
  Vector s = lattice.fractional(edge);
  for (int g = 0; g < 3; ++g)
    if (lattice.periodic[g]) s[g] = std::sin(2.0 * PI * s[g]) / (2.0 * PI);
  return combine(lattice, s);
}

// What multiplies dQ/dr_i, Q the sum of all charges: the origin along directions that are not periodic, and the charge
// that a projection spreads over all atoms.
Vector total_charge_arm(const Lattice &lattice, const MeanPhase *mean, const double *x)
{
  Vector factor{};
  const Vector s = lattice.fractional(x);
  for (int g = 0; g < 3; ++g) {
    if (!lattice.periodic[g])
      factor[g] = s[g] - (mean ? mean->coordinate[g] : 0.0);
    else if (mean) // - 1/N sum_j sin(2 pi (s_j - s_i)) / (2 pi)
      factor[g] = (mean->cosine[g] * std::sin(2.0 * PI * s[g]) -
                   mean->sine[g] * std::cos(2.0 * PI * s[g])) /
                  (2.0 * PI);
  }
  return combine(lattice, factor);
}

void add_outer(double *z, const Vector &arm, const double *gradient, double sign)
{
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) z[3 * a + b] += sign * arm[a] * gradient[b];
}

} // namespace

std::array<double, 3> Lattice::fractional(const double *x) const
{
  std::array<double, 3> s{};
  s[2] = x[2] / vectors[2][2];
  s[1] = (x[1] - s[2] * vectors[2][1]) / vectors[1][1];
  s[0] = (x[0] - s[2] * vectors[2][0] - s[1] * vectors[1][0]) / vectors[0][0];
  return s;
}

void add_born_charges(const Graph &graph, const double *gradient, const double *const *x,
                      const Lattice &lattice, const MeanPhase *mean, double *born)
{
  std::vector<Vector> arm(graph.species.size());
  for (std::size_t node = 0; node < arm.size(); ++node)
    arm[node] = total_charge_arm(lattice, mean, x[graph.atom[node]]);

  for (std::int64_t e = 0; e < graph.n_edges(); ++e) {
    const double *const g = gradient + 3 * e;
    const auto center = static_cast<std::size_t>(graph.center[e]);
    const auto neighbor = static_cast<std::size_t>(graph.neighbor[e]);
    double *const z_neighbor = born + 9 * static_cast<std::size_t>(graph.atom[neighbor]);
    // moving the neighbor changes the charge of the center by g, moving the center by -g
    add_outer(z_neighbor, edge_arm(lattice, graph.edge_vectors.data() + 3 * e), g, -1.0);
    add_outer(z_neighbor, arm[neighbor], g, 1.0);
    add_outer(born + 9 * static_cast<std::size_t>(graph.atom[center]), arm[center], g, -1.0);
  }
}

double BornProduct::weight(const Lattice &lattice, const double *x) const
{
  const double s = lattice.fractional(x)[direction];
  if (!lattice.periodic[direction]) return phase == SINE ? s : 0.0;
  return (phase == SINE ? std::sin(2.0 * PI * s) : std::cos(2.0 * PI * s)) / (2.0 * PI);
}

double BornProduct::factor(const Lattice &lattice, const double *x) const
{
  if (!lattice.periodic[direction]) return phase == SINE ? 1.0 : 0.0;
  const double s = lattice.fractional(x)[direction];
  return phase == SINE ? std::cos(2.0 * PI * s) : -std::sin(2.0 * PI * s);
}

void add_born_product(const Graph &graph, const double *gradient, const double *const *x,
                      const Lattice &lattice, const BornProduct &product, double *born)
{
  std::vector<double> factor(graph.species.size());
  for (std::size_t node = 0; node < factor.size(); ++node)
    factor[node] = product.factor(lattice, x[graph.atom[node]]);

  const Vector &arm = lattice.vectors[product.direction];
  for (std::int64_t e = 0; e < graph.n_edges(); ++e) {
    for (const auto &[node, sign] : {std::pair{graph.neighbor[e], 1.0}, {graph.center[e], -1.0}}) {
      const auto index = static_cast<std::size_t>(node);
      add_outer(born + 9 * static_cast<std::size_t>(graph.atom[index]), arm, gradient + 3 * e,
                sign * factor[index]);
    }
  }
}

} // namespace pair_les
