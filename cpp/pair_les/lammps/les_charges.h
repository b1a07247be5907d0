// SPDX-License-Identifier: GPL-2.0-only
// Charges of the local atoms, those that the model gives and those of electrodes: their sum, and
// their way into atom->q.

#ifndef PAIR_LES_LAMMPS_LES_CHARGES_H
#define PAIR_LES_LAMMPS_LES_CHARGES_H

#include "pointers.h"

#include "les_electrode_groups.h"
#include "les_network.h"
#include "les_tally.h"

#include <vector>

namespace LAMMPS_NS {

class LESCharges : protected Pointers {
 public:
  LESCharges(class LAMMPS *lmp, const LESUnits &units, const LESNetwork &network,
             const LESElectrodeGroups &electrodes) :
      Pointers(lmp), units(units), network(network), electrodes(electrodes)
  {}
  virtual ~LESCharges() = default;

  // Stands in for a charge of exactly zero in atom->q, for which the potential 2 e_i / q_i has no
  // value; any size is exact to rounding because e_i is proportional to q_i.
  static constexpr double TINY = 1.0e-100;

  // Read the keyword charge at the start of arg. Returns the number of words, 0 for another
  // keyword.
  int keyword(int narg, char **arg);
  void reset();

  // Before a run: refuse what contradicts the model file.
  void init();

  // A given sum, or neutralize, is a projection, which spreads every change of the sum of the charges
  // that the model gives over their atoms.
  bool projects() const;
  double wanted() const { return sum_wanted; } // e

  // From derivatives in the charges [nlocal] to those in what the network returns: the transpose of
  // the projection removes the mean, and electrodes have charges of their own. Collective.
  void project_back(std::vector<double> &derivatives) const;

  // Take the charges that the network has returned, projected; electrodes keep theirs. Collective.
  virtual void take_latent();

  // Take all charges [nlocal] in e, where a change of the sum of those that the model gives changes
  // the energy by `compensation` (V) through the electrodes. Collective.
  void take(const std::vector<double> &charge, double compensation);
  double compensation() const { return electrode_compensation; }

  // Take equilibrated charges [nlocal] in e, whose sum is wanted().
  void assign(const std::vector<double> &charge);

  // Give trial charges to kspace without taking them: atom->q and total(). Collective.
  void try_out(const std::vector<double> &charge);

  const std::vector<double> &values() const { return charge; } // [nlocal] e
  double total() const { return sum; }                         // e, over all processes
  double n_atoms() const
  {
    return n_charges;
  } // counted, electrodes included: atom->natoms may be that of the last thermo output
  void count_atoms(); // collective

  // Warn of charges of a periodic box most of which have one sign, unless their sum was asked for. Collective.
  void warn_of_imbalance();

  // The charges where code for the host finds them: values(), and atom->q, which it may change.
  virtual void sync_to_host() {}
  virtual void sync_atom_charges_to_host() {}
  virtual void atom_charges_changed_on_host() {}
  virtual bool on_host() const { return true; } // on every step, with positions and forces

  // Charges at the start of a run, which no fix must change before its first step. Collective.
  void watch(bool active);
  void refuse_changes();

 protected:
  const LESUnits &units;
  const LESNetwork &network;
  const LESElectrodeGroups &electrodes;
  std::vector<double> charge;

  // What every charge that the model gives is lowered by to have the sum wanted, with the sum and
  // the number of those of this process; sets total() and n_atoms(). Collective.
  double shift(double local_sum, int n_local);

  virtual void write(const std::vector<double> &values); // to atom->q
  virtual void values_changed() {}                       // of the host

 private:
  bool sum_given = false; // keyword charge
  double sum_wanted = 0.0, sum = 0.0, n_charges = 0.0;
  double n_given = 0.0; // charges that the model gives
  double electrode_compensation = 0.0;
  bool watched = false;
  std::vector<double> watched_charges;
};

} // namespace LAMMPS_NS

#endif
