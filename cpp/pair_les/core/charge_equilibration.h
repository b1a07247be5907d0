// SPDX-License-Identifier: MIT
// Charges that minimize the energy under constraints on their sums, by conjugate gradients:
//
//   E(q) = sum_i (chi_i q_i + eta_i q_i^2 / 2) + E_lr(q),   sum_{i in k} q_i = Q_k
//
// E_lr(q) = q K q / 2 is the long-range energy, so that at the minimum chi_i + eta_i q_i + (K q)_i = mu_k for every atom of
// constraint k, and 0 for those without one. One product K p costs one long-range sum. The forces need no derivative of the
// charges: dE/dq_i = mu_k is the same for all of a constraint and their sum is constant. Sources: Rappe and Goddard, J. Phys.
// Chem. 95, 3358 (1991); projected conjugate gradients: Gould, Hribar and Nocedal, SIAM J. Sci. Comput. 23, 1376 (2001).

#ifndef PAIR_LES_CORE_CHARGE_EQUILIBRATION_H
#define PAIR_LES_CORE_CHARGE_EQUILIBRATION_H

#include <functional>
#include <vector>

namespace pair_les {

// The energy, of the atoms of this process; the functions are called by all processes together.
struct ChargeEnergy {
  using Vector = std::vector<double>;

  Vector electronegativity; // chi, V, with the potential of an external field
  Vector hardness;          // eta, V/e
  Vector curvature;         // V/e, > 0: what a residual is divided by to tell the error of a charge
  std::vector<int>
      constraint; // of each charge: the sum that it belongs to, -1 for none; empty: all belong to the only one
  Vector totals; // Q_k, e, of every constraint, which has at least one charge

  std::function<void(const Vector &charge, Vector &potential)> potential; // K q, V
  // an approximate inverse of eta and K, which carries no charge from one constraint to another
  std::function<void(const Vector &residual, Vector &correction)> precondition;
  std::function<double(double mine)> sum, largest; // over the processes
};

struct Equilibrium {
  enum Outcome { converged, too_many_iterations, not_positive_definite } outcome;
  int iterations;                         // products K p, without the one at the start
  double error;                           // e, max_i |residual_i| / curvature_i
  std::vector<double> chemical_potential; // mu_k, V
};

// Improves `charge` [n_local], whatever it is at first, until the error is no more than `tolerance` (e).
Equilibrium equilibrate(const ChargeEnergy &energy, double tolerance, int max_iterations,
                        std::vector<double> &charge);

} // namespace pair_les

#endif
