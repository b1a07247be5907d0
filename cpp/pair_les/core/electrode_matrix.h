// SPDX-License-Identifier: MIT
// The matrix of charges on electrodes that do not move, factorized once: charges that minimize the energy in one step.

#ifndef PAIR_LES_CORE_ELECTRODE_MATRIX_H
#define PAIR_LES_CORE_ELECTRODE_MATRIX_H

#include <cstddef>
#include <vector>

namespace pair_les {

// A q - r = sum_k mu_k 1_k with sums of q that are 0 over each constraint k, where 1_k is 1 for its members and 0 for all
// others.
class ElectrodeMatrix {
 public:
  using Vector = std::vector<double>;

  // Factorize A [n * n], eV/e^2, symmetric; `constraint` [n] is the one that each charge belongs to, -1 for none. Returns
  // whether A is positive definite where the sums do not change; otherwise nothing is kept.
  bool build(Vector matrix, const std::vector<int> &constraint, std::size_t n_constraints);
  void forget();
  bool ready() const { return n_ > 0; }
  std::size_t size() const { return n_; }

  // Replace the residual r [n] (V) by the charges q (e). Returns the multipliers mu_k, V.
  Vector solve(Vector &residual) const;

  double bytes() const;

 private:
  std::size_t n_ = 0;
  Vector factor_; // [n * n] L of A = L L^T, row by row, below the diagonal
  std::vector<int> constraint_;
  std::vector<Vector> of_ones_; // A^-1 1_k
  Vector coupling_;             // [k * k] 1_k A^-1 1_l, factorized alike

  Vector sums(const Vector &values) const;
};

} // namespace pair_les

#endif
