// SPDX-License-Identifier: MIT
// D(r) of the long-range split as a table in r^2: no square root, no error function in the pair loop.

#ifndef PAIR_LES_CORE_SPLIT_TABLE_H
#define PAIR_LES_CORE_SPLIT_TABLE_H

#include "long_range.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace pair_les {

// D is an entire function of r^2, so that cubic Hermite pieces on a uniform grid in r^2 converge like h^4. Energy and
// force come from the same polynomial: what is tabulated is conservative whatever its error.
class SplitTable {
 public:
  // D(r) and dD/dr for 0 < r, eV/e^2 and eV/(e^2 A)
  using Difference = std::function<ValueAndDerivative(double r)>;

  // Tabulate D for 0 <= r <= cutoff; throws std::runtime_error if TOLERANCE cannot be met.
  void build(const Difference &difference, double cutoff);

  // D(r) in eV/e^2 and (dD/dr)/r in eV/(e^2 A^2), for r_squared <= cutoff^2.
  ValueAndDerivative operator()(double r_squared) const;

  // largest error of D and of r^2-derivative found at build(), relative to their values at r = 0
  double relative_error() const { return relative_error_; }

  static constexpr double TOLERANCE = 5.0e-9;

  // D in piece p = r_squared * inverse_step() is c[0] + c[1] t + c[2] t^2 + c[3] t^3, t = r_squared * inverse_step() - p
  struct alignas(32) Piece {
    double c[4];
  };
  const Piece *pieces() const { return pieces_.data(); }
  std::size_t n_pieces() const { return pieces_.size(); }
  double inverse_step() const { return inverse_step_; }

 private:
  void fill(std::size_t n_pieces, const Difference &difference);
  double measure_error(const Difference &difference) const;

  double cutoff_ = 0.0, inverse_step_ = 0.0, relative_error_ = 0.0;
  std::vector<Piece> pieces_;
};

} // namespace pair_les

#endif
