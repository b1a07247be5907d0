// SPDX-License-Identifier: MIT

#include "split_table.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#define PAIR_LES_INSTRUCTION_SET host
#include "split_formulas.h"

namespace pair_les {

namespace {

constexpr std::size_t SMALLEST_TABLE = 1024, LARGEST_TABLE = 65536;
constexpr int PROBES_PER_PIECE = 4;

// stands for r = 0: D and dD/d(r^2) differ from their limits by less than rounding
constexpr double NEARLY_ZERO = 1.0e-6;

// D and dD/d(r^2)
ValueAndDerivative in_r_squared(double r_squared, const SplitTable::Difference &difference)
{
  const double r = std::max(std::sqrt(r_squared), NEARLY_ZERO);
  const auto exact = difference(r);
  return {exact.value, exact.derivative / (2.0 * r)};
}

} // namespace

void SplitTable::build(const Difference &difference, double cutoff)
{
  cutoff_ = cutoff;
  for (std::size_t n_pieces = SMALLEST_TABLE; n_pieces <= LARGEST_TABLE; n_pieces *= 2) {
    fill(n_pieces, difference);
    relative_error_ = measure_error(difference);
    if (relative_error_ < TOLERANCE) return;
  }
  std::ostringstream message;
  message << "the table of the long-range split to cutoff " << cutoff
          << " A has a relative error of " << relative_error_ << ", more than " << TOLERANCE
          << "; use a smaller cutoff";
  throw std::runtime_error(message.str());
}

void SplitTable::fill(std::size_t n_pieces, const Difference &difference)
{
  const double step = cutoff_ * cutoff_ / static_cast<double>(n_pieces);
  inverse_step_ = 1.0 / step;
  // one piece more than needed: r = cutoff falls on the last node
  pieces_.resize(n_pieces + 1);
  auto left = in_r_squared(0.0, difference);
  for (std::size_t piece = 0; piece <= n_pieces; ++piece) {
    const auto right = in_r_squared(step * static_cast<double>(piece + 1), difference);
    const double rise = right.value - left.value;
    const double slope0 = step * left.derivative, slope1 = step * right.derivative;
    double *const c = pieces_[piece].c;
    c[0] = left.value;
    c[1] = slope0;
    c[2] = 3.0 * rise - 2.0 * slope0 - slope1;
    c[3] = -2.0 * rise + slope0 + slope1;
    left = right;
  }
}

ValueAndDerivative SplitTable::operator()(double r_squared) const
{
  const double position = r_squared * inverse_step_;
  const auto piece = static_cast<std::size_t>(position);
  const double *const c = pieces_[piece].c;
  double value, slope;
  host::table_value(position - static_cast<double>(piece), c[0], c[1], c[2], c[3], value, slope);
  return {value, 2.0 * inverse_step_ * slope};
}

double SplitTable::measure_error(const Difference &difference) const
{
  const auto origin = in_r_squared(0.0, difference);
  if (origin.value == 0.0) return 0.0; // matched: D = 0
  const std::size_t probes = PROBES_PER_PIECE * (pieces_.size() - 1);
  double worst = 0.0;
  for (std::size_t probe = 0; probe < probes; ++probe) {
    const double r_squared =
        cutoff_ * cutoff_ * (static_cast<double>(probe) + 0.5) / static_cast<double>(probes);
    const auto exact = in_r_squared(r_squared, difference);
    const auto table = (*this)(r_squared);
    worst = std::max(worst, std::fabs((table.value - exact.value) / origin.value));
    worst =
        std::max(worst, std::fabs((0.5 * table.derivative - exact.derivative) / origin.derivative));
  }
  return worst;
}

} // namespace pair_les
