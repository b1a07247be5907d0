// SPDX-License-Identifier: MIT

#include "split_table.h"

#include "constants.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace pair_les {

namespace {

constexpr std::size_t SMALLEST_TABLE = 1024, LARGEST_TABLE = 65536;
constexpr int PROBES_PER_PIECE = 4;

// D and dD/d(r^2)
ValueAndDerivative in_r_squared(double r_squared, const LongRange &settings, double g)
{
  if (r_squared == 0.0) {
    // erf(a r)/r = 2a/sqrt(pi) (1 - a^2 r^2 / 3 + ...)
    const double a = g_ewald_from_sigma(settings.sigma);
    const double scale = 2.0 * settings.coulomb_constant / SQRT_PI;
    return {scale * (a - g), -scale * (a * a * a - g * g * g) / 3.0};
  }
  const double r = std::sqrt(r_squared);
  const auto exact = split_pair_potential(r, settings.sigma, g, settings.coulomb_constant);
  return {exact.value, exact.derivative / (2.0 * r)};
}

}    // namespace

void SplitTable::build(const LongRange &settings, double g_ewald, double cutoff)
{
  g_ewald_ = g_ewald;
  cutoff_ = cutoff;
  for (std::size_t n_pieces = SMALLEST_TABLE; n_pieces <= LARGEST_TABLE; n_pieces *= 2) {
    fill(n_pieces, settings);
    relative_error_ = measure_error(settings);
    if (relative_error_ < TOLERANCE) return;
  }
  throw std::runtime_error("the table of the long-range split for sigma " + std::to_string(settings.sigma) +
                           ", g_ewald " + std::to_string(g_ewald) + ", cutoff " + std::to_string(cutoff) +
                           " has a relative error of " + std::to_string(relative_error_) +
                           "; use a smaller cutoff");
}

void SplitTable::fill(std::size_t n_pieces, const LongRange &settings)
{
  const double step = cutoff_ * cutoff_ / static_cast<double>(n_pieces);
  inverse_step_ = 1.0 / step;
  // one piece more than needed: r = cutoff falls on the last node
  coefficients_.resize(4 * (n_pieces + 1));
  auto left = in_r_squared(0.0, settings, g_ewald_);
  for (std::size_t piece = 0; piece <= n_pieces; ++piece) {
    const auto right = in_r_squared(step * static_cast<double>(piece + 1), settings, g_ewald_);
    const double rise = right.value - left.value;
    const double slope0 = step * left.derivative, slope1 = step * right.derivative;
    double *const c = &coefficients_[4 * piece];
    c[0] = left.value;
    c[1] = slope0;
    c[2] = 3.0 * rise - 2.0 * slope0 - slope1;
    c[3] = -2.0 * rise + slope0 + slope1;
    left = right;
  }
}

double SplitTable::measure_error(const LongRange &settings) const
{
  const auto origin = in_r_squared(0.0, settings, g_ewald_);
  if (origin.value == 0.0) return 0.0;    // matched: D = 0
  const std::size_t probes = PROBES_PER_PIECE * (coefficients_.size() / 4 - 1);
  double worst = 0.0;
  for (std::size_t probe = 0; probe < probes; ++probe) {
    const double r_squared = cutoff_ * cutoff_ * (static_cast<double>(probe) + 0.5) / static_cast<double>(probes);
    const auto exact = in_r_squared(r_squared, settings, g_ewald_);
    const auto table = (*this)(r_squared);
    worst = std::max(worst, std::fabs((table.value - exact.value) / origin.value));
    worst = std::max(worst, std::fabs((0.5 * table.derivative - exact.derivative) / origin.derivative));
  }
  return worst;
}

}    // namespace pair_les
