// SPDX-License-Identifier: GPL-2.0-only
// What turns the charges into a potential: nothing (a model without charges), the direct sum of an
// isolated system, or the kspace style, with a pair sum in split mode.

#ifndef PAIR_LES_LAMMPS_LES_LONG_RANGE_H
#define PAIR_LES_LAMMPS_LES_LONG_RANGE_H

#include "pointers.h"

#include "core/pair_sum.h"
#include "kspace_box.h"
#include "les_charges.h"
#include "les_field.h"
#include "les_split_sum.h"

#include <vector>

namespace LAMMPS_NS {

class LESLongRange : protected Pointers {
 public:
  LESLongRange(class LAMMPS *, const LESUnits &, const LESNetwork &, LESCharges &, const LESField &,
               LESSplitSum &, KSpaceBox &, const LESSolverSettings &);
  virtual ~LESLongRange() = default;

  // Before a run: choose the solver.
  void init();
  bool has_charges() const { return solver != NONE; }
  bool by_kspace() const { return solver == KSPACE; }

  // The potential is read from energies of atoms, which kspace has to be asked for on each step.
  virtual bool reads_energies_of_atoms() const { return by_kspace(); }

  // kspace has to know that atom->q has changed. Collective.
  virtual void charges_changed();

  // What the potential of a charge (e) has beyond that of the solver, V.
  double correction(double charge) const;

  // Add what the long-range energy has beyond 1/2 q phi of the solver.
  virtual void tally_corrections(const LESTally &tally);

  // Add the virial in the plane that LAMMPS does not give to kspace_modify slab. Collective.
  virtual void tally_slab_virial(const LESTally &tally);

  // Add energies, forces and virials that kspace does not: the pair sum of split mode, or the
  // direct sum. Collective.
  virtual void compute(const LESTally &tally);

  // Potential of the charges, with that of the field, after compute() and kspace. Collective.
  virtual void update_potential();
  const std::vector<double> &potential() const
  {
    return phi;
  } // [nlocal] V, dE_lr/dq_i of what the network returns: 0 for electrodes

  // What the backward pass of the network takes: the potential, equilibrated charges, or nullptr
  // without charges.
  virtual const double *seed() const;

  // Call kspace for the energies of atoms alone, and leave forces and positions as they are.
  virtual void compute_kspace_alone();

  // The same in the middle of a step, whose command has called kspace without asking for them.
  virtual void compute_missing_energies() { compute_kspace_alone(); }

  // Potential of any charges [nlocal] in e, without a field, V. Changes atom->q. Collective.
  void potential_of(const std::vector<double> &charge, std::vector<double> &potential);

  // The potential where code for the host finds it.
  virtual void sync_to_host() {}

 protected:
  const LESUnits &units;
  const LESNetwork &network;
  LESCharges &charges;
  const LESField &field;
  LESSplitSum &split_sum;
  KSpaceBox &kspace_box;
  const LESSolverSettings &settings;
  enum { NONE, KSPACE, DIRECT } solver = NONE;
  pair_les::PairSum direct; // sum of an isolated system
  std::vector<double> phi;

  virtual void evaluate_kspace(); // for energies of atoms

 private:
  std::vector<double> kept; // forces and positions during a call of kspace

  void sum_directly(const std::vector<double> &charge);
  double potential_of_solver(int i, double charge) const;
};

} // namespace LAMMPS_NS

#endif
