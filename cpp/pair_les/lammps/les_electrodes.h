// SPDX-License-Identifier: GPL-2.0-only
// Charges of electrodes, which minimize the grand potential
//
//   Omega = E_lr(q) + sum_e (s + H_e / 2) q_e^2 - sum_g V_g Q_g
//
// beside the charges of the model: by conjugate gradients whose products are calls of the long-range
// solver, or in one step where the electrodes do not move (les_electrode_matrix.h). As Omega is
// stationary in them, their forces at fixed charges are exact.

#ifndef PAIR_LES_LAMMPS_LES_ELECTRODES_H
#define PAIR_LES_LAMMPS_LES_ELECTRODES_H

#include "pointers.h"

#include "core/charge_equilibration.h"
#include "les_charge_history.h"
#include "les_charge_tolerance.h"
#include "les_charges.h"
#include "les_electrode_groups.h"
#include "les_electrode_matrix.h"
#include "les_field.h"
#include "les_long_range.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESElectrodes : protected Pointers {
 public:
  // `history_id`: of the internal fix that keeps the charges of former steps.
  LESElectrodes(class LAMMPS *, const LESUnits &, const LESNetwork &, LESElectrodeGroups &,
                LESCharges &, const LESField &, LESLongRange &, const LESChargeTolerance &,
                const std::string &history_id);

  bool on() const { return groups.on(); }
  void init(); // before a run: refuse what cannot work. Collective.

  // Charges of the present step beside those that the model has given, into atom->q as well.
  // `preliminary`: the mesh is not sized yet, and charges need not be found. Collective.
  void solve(bool preliminary);
  void solver_changed() { matrix.forget(); }

  // Add what the electrodes have beyond 1/2 q phi: hardness, and the energy of the batteries.
  void tally_energies(const LESTally &tally) const;

  void start_counting(); // iterations of a run
  void report() const;   // in the log, after a run

  bool contains(int i) const { return groups.of_atom(i) >= 0; } // local atom

  // Of each electrode, in the order of the keywords: total charge, e, of physical charges;
  // potential, V; energy that its battery has supplied, in LAMMPS's unit.
  int size() const { return groups.size(); }
  double total_charge(int k) const { return totals[k] * field.physical_charge(); }
  double potential(int k) const;
  double battery_energy(int k) const;
  // How its charge answers its own potential while all other charges stand still, e/V, of physical
  // charges; NaN where there is no matrix. Collective.
  double empty_capacitance(int k) const;

  LESChargeHistory history;

 private:
  using Vector = std::vector<double>;

  const LESUnits &units;
  const LESNetwork &network;
  LESElectrodeGroups &groups;
  LESCharges &charges;
  const LESField &field;
  LESLongRange &long_range;
  const LESChargeTolerance &tolerance;
  LESElectrodeMatrix matrix;

  std::vector<int> atoms, electrode; // local electrode atoms and the electrode of each
  Vector totals;                     // [size()] e
  Vector multipliers;                // [n_constraints()] V
  bool verified = false;             // the charges of the matrix are those of the solver
  bigint steps = 0, iterations = 0, direct_steps = 0; // in this run
  int most_iterations = 0, in_step = 0;
  double seconds = 0.0;

  double hardness(int n) const;
  double hardness_scale(int n) const;
  double given_potential(int k) const;
  double neutralizing_potential() const;
  void list_atoms();
  std::vector<int> constraints() const;
  void fulfill_constraints(Vector &charge) const;
  Vector residual(const Vector &charge);
  void multiply(const Vector &change, Vector &product);
  bool add_by_matrix(Vector &charge, Vector &rest);
  void add_by_iterations(Vector &charge, const Vector &rest, bool preliminary);
  void build_matrix();
  double error_of(const Vector &rest) const;
  void add(const Vector &change, Vector &charge) const;
  void refuse_failure(const pair_les::Equilibrium &) const;
  void refuse_atoms_without_charge() const;
  void refuse_charges(double learned) const;
  void count(bool again);
};

} // namespace LAMMPS_NS

#endif
