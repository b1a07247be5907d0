// SPDX-License-Identifier: GPL-2.0-only
// Charge equilibration. The network gives electronegativities and hardnesses; the charges minimize
// the energy by conjugate gradients (core/charge_equilibration.h), whose products are calls of the
// long-range solver. From then on they are charges like any others, and their forces at fixed
// charges are exact.

#ifndef PAIR_LES_LAMMPS_LES_EQUILIBRATION_H
#define PAIR_LES_LAMMPS_LES_EQUILIBRATION_H

#include "pointers.h"

#include "core/charge_equilibration.h"
#include "core/transfer_preconditioner.h"
#include "les_charge_history.h"
#include "les_charge_tolerance.h"
#include "les_long_range.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESEquilibration : protected Pointers {
 public:
  // `history_id`: of the internal fix that keeps the charges of former steps.
  LESEquilibration(class LAMMPS *, const LESUnits &, LESNetwork &, LESCharges &, const LESField &,
                   LESLongRange &, const LESChargeTolerance &, const std::string &history_id);

  // Before a run: refuse what cannot work. `electrodes`: the tolerance is that of their charges.
  void init(bool electrodes);

  // Charges of the present step, into atom->q as well. Collective.
  void solve();

  // Add chi_i q_i + eta_i q_i^2 / 2 of the local atoms.
  void tally_energies(const LESTally &tally) const;

  void start_counting(); // iterations of a run
  void report() const;   // in the log, after a run

  // For compute pair, which adds up the processes: iterations, error of the charges in e, chemical
  // potential.
  static constexpr int N_EXTRA = 3;
  double *extra() { return counted; }

  LESChargeHistory history;

 private:
  const LESUnits &units;
  LESNetwork &network;
  LESCharges &charges;
  const LESField &field;
  LESLongRange &long_range;

  const LESChargeTolerance &tolerance;
  bigint steps = 0, iterations = 0; // in this run
  int most_iterations = 0, in_step = 0;
  double counted[N_EXTRA] = {0.0, 0.0, 0.0};
  pair_les::TransferPreconditioner preconditioner;

  pair_les::ChargeEnergy energy_function();
  double energy_of(int i) const;
  void build_preconditioner(const std::vector<double> &curvature);
  void send_to_images();
  void precondition(const std::vector<double> &residual, std::vector<double> &correction);
  void refuse_failure(const pair_les::Equilibrium &, const std::vector<double> &charge) const;
  void count(const pair_les::Equilibrium &, bool again);
};

} // namespace LAMMPS_NS

#endif
