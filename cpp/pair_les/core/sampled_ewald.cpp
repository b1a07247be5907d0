// SPDX-License-Identifier: MIT

#include "sampled_ewald.h"

#include "constants.h"

#include <algorithm>
#include <cmath>

namespace pair_les {

namespace {

constexpr double REACH = 0.5; // of the sum over pairs, in V^(1/3), where g leaves the choice

double dot(const std::array<double, 3> &a, const std::array<double, 3> &b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

std::array<double, 3> cross(const std::array<double, 3> &a, const std::array<double, 3> &b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

} // namespace

SampledEwald::SampledEwald(const Cell &cell, double g_ewald, double precision) :
    cell_(cell), volume_(std::fabs(dot(cell[0], cross(cell[1], cell[2])))), g_ewald_(g_ewald),
    exponent_(std::sqrt(-std::log(precision)))
{
  for (int axis = 0; axis < 3; ++axis) {
    reciprocal_[axis] = cross(cell[(axis + 1) % 3], cell[(axis + 2) % 3]);
    const double scale = 2.0 * PI / dot(cell[axis], reciprocal_[axis]);
    for (auto &component : reciprocal_[axis]) component *= scale;
  }
  b_ = std::min(g_ewald, exponent_ / (REACH * std::cbrt(volume_)));

  const double largest = 2.0 * b_ * exponent_;
  for (int axis = 0; axis < 3; ++axis)
    limits_[axis] = static_cast<int>(largest * std::sqrt(dot(cell[axis], cell[axis])) / (2.0 * PI));
  for (int n0 = 0; n0 <= limits_[0]; ++n0)
    for (int n1 = n0 == 0 ? 0 : -limits_[1]; n1 <= limits_[1]; ++n1) {
      Column column{n0, n1, 1, 0};
      for (int n2 = n0 == 0 && n1 == 0 ? 1 : -limits_[2]; n2 <= limits_[2]; ++n2) {
        double square = 0.0;
        for (int c = 0; c < 3; ++c) {
          const double k = n0 * reciprocal_[0][c] + n1 * reciprocal_[1][c] + n2 * reciprocal_[2][c];
          square += k * k;
        }
        if (square > largest * largest) continue;
        if (column.last < column.first) column.first = n2;
        column.last = n2;
        weights_.push_back(8.0 * PI / (volume_ * square) * std::exp(-square / (4.0 * b_ * b_)));
      }
      if (column.last >= column.first) columns_.push_back(column);
    }
}

std::array<double, 3> SampledEwald::fractional(const double *position) const
{
  std::array<double, 3> s;
  for (int axis = 0; axis < 3; ++axis)
    s[axis] = (position[0] * reciprocal_[axis][0] + position[1] * reciprocal_[axis][1] +
               position[2] * reciprocal_[axis][2]) /
              (2.0 * PI);
  return s;
}

// exp(2 pi i n s) for |n| up to the limits, by repeated multiplication
void SampledEwald::fill_phases(const double *position, Phases &phases) const
{
  const auto s = fractional(position);
  for (int axis = 0; axis < 3; ++axis) {
    const int limit = limits_[axis];
    auto &cosine = phases[axis], &sine = phases[3 + axis];
    cosine.resize(2 * limit + 1);
    sine.resize(2 * limit + 1);
    const double c = std::cos(2.0 * PI * s[axis]), d = std::sin(2.0 * PI * s[axis]);
    cosine[limit] = 1.0;
    sine[limit] = 0.0;
    for (int n = 1; n <= limit; ++n) {
      cosine[limit + n] = c * cosine[limit + n - 1] - d * sine[limit + n - 1];
      sine[limit + n] = c * sine[limit + n - 1] + d * cosine[limit + n - 1];
      cosine[limit - n] = cosine[limit + n];
      sine[limit - n] = -sine[limit + n];
    }
  }
}

std::vector<double> SampledEwald::structure_factors(const std::vector<double> &charges) const
{
  const std::size_t n_k = weights_.size();
  std::vector<double> real(n_k, 0.0), imaginary(n_k, 0.0);
  Phases phases;
  for (std::size_t i = 0; i + 3 < charges.size(); i += 4) {
    fill_phases(&charges[i], phases);
    std::size_t at = 0;
    for (const Column &column : columns_) {
      const double c0 = phases[0][limits_[0] + column.n0], s0 = phases[3][limits_[0] + column.n0];
      const double c1 = phases[1][limits_[1] + column.n1], s1 = phases[4][limits_[1] + column.n1];
      const double c = charges[i + 3] * (c0 * c1 - s0 * s1);
      const double s = charges[i + 3] * (s0 * c1 + c0 * s1);
      const double *const c2 = &phases[2][limits_[2] + column.first];
      const double *const s2 = &phases[5][limits_[2] + column.first];
      double *const re = &real[at];
      double *const im = &imaginary[at];
      const int length = column.last - column.first + 1;
      for (int n = 0; n < length; ++n) {
        re[n] += c * c2[n] - s * s2[n];
        im[n] += c * s2[n] + s * c2[n];
      }
      at += length;
    }
  }
  real.insert(real.end(), imaginary.begin(), imaginary.end());
  return real;
}

void SampledEwald::add_reciprocal(const std::vector<double> &points,
                                  const std::vector<double> &structure_factors, double total_charge,
                                  std::vector<double> &result) const
{
  const double *const real = structure_factors.data();
  const double *const imaginary = real + weights_.size();
  Phases phases;
  for (std::size_t i = 0; i + 3 < points.size(); i += 4) {
    fill_phases(&points[i], phases);
    double potential = 0.0, field[3] = {0.0, 0.0, 0.0};
    std::size_t at = 0;
    for (const Column &column : columns_) {
      const double c0 = phases[0][limits_[0] + column.n0], s0 = phases[3][limits_[0] + column.n0];
      const double c1 = phases[1][limits_[1] + column.n1], s1 = phases[4][limits_[1] + column.n1];
      const double c = c0 * c1 - s0 * s1, s = s0 * c1 + c0 * s1;
      double sum = 0.0, sum_n2 = 0.0; // of the gradient, without and with n2
      for (int n2 = column.first; n2 <= column.last; ++n2, ++at) {
        const double c2 = phases[2][limits_[2] + n2], s2 = phases[5][limits_[2] + n2];
        const double re = c * c2 - s * s2, im = c * s2 + s * c2;
        potential += weights_[at] * (real[at] * re + imaginary[at] * im);
        const double slope = weights_[at] * (real[at] * im - imaginary[at] * re);
        sum += slope;
        sum_n2 += slope * n2;
      }
      for (int k = 0; k < 3; ++k)
        field[k] += sum * (column.n0 * reciprocal_[0][k] + column.n1 * reciprocal_[1][k]) +
                    sum_n2 * reciprocal_[2][k];
    }
    result[i] +=
        potential - 2.0 * b_ * points[i + 3] / SQRT_PI - PI * total_charge / (b_ * b_ * volume_);
    for (int k = 0; k < 3; ++k) result[i + 1 + k] += field[k];
  }
}

void SampledEwald::add_pairs(const std::vector<double> &points, const std::vector<double> &charges,
                             std::vector<double> &result) const
{
  if (b_ >= g_ewald_) return;
  const double narrow = 1.0 / (SQRT_2 * g_ewald_);
  add_kernel(
      points, charges, 0.0, exponent_ / b_,
      [this, narrow](double r) { return split_pair_potential(r, narrow, b_, 1.0); }, result);
}

void SampledEwald::add_beyond_cutoff(const std::vector<double> &points,
                                     const std::vector<double> &charges, double sigma,
                                     double cutoff, std::vector<double> &result) const
{
  // to where erfc(g r) is 1e-4 of what it is at the cutoff
  const double furthest = std::sqrt(cutoff * cutoff + 9.2 / (g_ewald_ * g_ewald_));
  add_kernel(
      points, charges, cutoff, furthest,
      [this, sigma](double r) { return split_pair_potential(r, sigma, g_ewald_, 1.0); }, result);
}

// Lattice vectors that may bring a charge of the folded cell, |s| <= 1/2, within `reach`.
std::vector<std::array<double, 3>> SampledEwald::images(double reach) const
{
  double diagonal = 0.0; // longest vector of the folded cell
  for (const double sign_1 : {-0.5, 0.5})
    for (const double sign_2 : {-0.5, 0.5}) {
      double square = 0.0;
      for (int c = 0; c < 3; ++c) {
        const double component = 0.5 * cell_[0][c] + sign_1 * cell_[1][c] + sign_2 * cell_[2][c];
        square += component * component;
      }
      diagonal = std::max(diagonal, std::sqrt(square));
    }
  int limit[3];
  for (int axis = 0; axis < 3; ++axis)
    limit[axis] = static_cast<int>(
        (reach + diagonal) * std::sqrt(dot(reciprocal_[axis], reciprocal_[axis])) / (2.0 * PI));
  std::vector<std::array<double, 3>> found;
  for (int a = -limit[0]; a <= limit[0]; ++a)
    for (int b = -limit[1]; b <= limit[1]; ++b)
      for (int c = -limit[2]; c <= limit[2]; ++c) {
        std::array<double, 3> shift;
        for (int k = 0; k < 3; ++k) shift[k] = a * cell_[0][k] + b * cell_[1][k] + c * cell_[2][k];
        if (std::sqrt(dot(shift, shift)) <= reach + diagonal) found.push_back(shift);
      }
  return found;
}

void SampledEwald::add_kernel(const std::vector<double> &points, const std::vector<double> &charges,
                              double nearest, double furthest, const Kernel &kernel,
                              std::vector<double> &result) const
{
  const auto shifts = images(furthest);
  for (std::size_t i = 0; i + 3 < points.size(); i += 4)
    for (std::size_t j = 0; j + 3 < charges.size(); j += 4) {
      double d[3] = {points[i] - charges[j], points[i + 1] - charges[j + 1],
                     points[i + 2] - charges[j + 2]};
      const auto s = fractional(d);
      for (int axis = 0; axis < 3; ++axis)
        for (int k = 0; k < 3; ++k) d[k] -= std::round(s[axis]) * cell_[axis][k];
      for (const auto &shift : shifts) {
        const double v[3] = {d[0] + shift[0], d[1] + shift[1], d[2] + shift[2]};
        const double square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (square >= furthest * furthest || square < nearest * nearest || square == 0.0) continue;
        const double r = std::sqrt(square);
        const auto pair = kernel(r);
        result[i] += charges[j + 3] * pair.value;
        for (int k = 0; k < 3; ++k)
          result[i + 1 + k] -= charges[j + 3] * pair.derivative * v[k] / r;
      }
    }
}

} // namespace pair_les
