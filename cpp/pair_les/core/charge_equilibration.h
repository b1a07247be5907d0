// SPDX-License-Identifier: MIT
// Charges that minimize the energy under a constraint on their sum, by conjugate gradients:
//
//   E(q) = sum_i (chi_i q_i + eta_i q_i^2 / 2) + E_lr(q),   sum_i q_i = Q
//
// E_lr(q) = q K q / 2 is the long-range energy, so that at the minimum chi_i + eta_i q_i + (K q)_i = mu for every atom. One
// product K p costs one long-range sum. The forces need no derivative of the charges: dE/dq_i = mu is the same for all and
// their sum is constant. Sources: Rappe and Goddard, J. Phys. Chem. 95, 3358 (1991); projected conjugate gradients: Gould,
// Hribar and Nocedal, SIAM J. Sci. Comput. 23, 1376 (2001).

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
  Vector curvature;         // V/e, > 0: eta and K together are at least this diagonal matrix
  double total_charge;      // Q, e
  double n_atoms;           // of all processes

  std::function<void(const Vector &charge, Vector &potential)> potential; // K q, V
  std::function<void(const Vector &residual, Vector &correction)> precondition;
  std::function<double(double mine)> sum, largest; // over the processes
};

struct Equilibrium {
  enum Outcome { converged, too_many_iterations, not_positive_definite } outcome;
  int iterations;            // products K p, without the one at the start
  double error;              // e, max_i |residual_i| / curvature_i
  double chemical_potential; // mu, V
};

// Improves `charge` [n_local], whatever it is at first, until the error is no more than `tolerance` (e).
Equilibrium equilibrate(const ChargeEnergy &energy, double tolerance, int max_iterations,
                        std::vector<double> &charge);

} // namespace pair_les

#endif
