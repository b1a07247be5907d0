// SPDX-License-Identifier: GPL-2.0-only
// Electrodes as the user has named them: groups of atoms, each at a given potential or of a given
// charge, and which sums of their charges are fixed.

#ifndef PAIR_LES_LAMMPS_LES_ELECTRODE_GROUPS_H
#define PAIR_LES_LAMMPS_LES_ELECTRODE_GROUPS_H

#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

// One keyword electrode.
struct LESElectrode {
  std::string group;
  bool given_charge;    // or a given potential
  std::string variable; // name of an equal-style variable, empty for a constant
  double value;         // V, or e, of physical charges
  double hardness;      // eV/e^2
  int bit = 0;          // of the group
};

class LESElectrodeGroups : protected Pointers {
 public:
  LESElectrodeGroups(class LAMMPS *lmp) : Pointers(lmp) {}

  // Read the keyword electrode or neutral at the start of arg. Returns the number of words, 0 for
  // another keyword.
  int keyword(int narg, char **arg);
  void reset();

  bool on() const { return !groups.empty(); }
  int size() const { return static_cast<int>(groups.size()); }
  const LESElectrode &operator[](int k) const { return groups[k]; }

  void init(); // before a run: refuse what cannot work. Collective.

  // Evaluate equal-style variables for the present step.
  void evaluate();

  // The electrode of a local atom, -1 for the others.
  int of_atom(int i) const;
  double n_atoms() const { return count; } // over all processes, at the start of the run

  // Sums of charges that are fixed: one for each electrode of given charge, then, in a neutral
  // cell, that of all electrodes of given potential.
  int n_constraints() const { return n_given() + (neutralizes() ? 1 : 0); }
  int constraint_of(int k) const; // -1 for none
  bool neutralizes() const { return neutral && n_given() < size(); }
  bool is_neutral() const { return neutral; }
  int n_given() const;         // electrodes of given charge
  double given_charge() const; // their sum, e, of physical charges

 private:
  std::vector<LESElectrode> groups;
  bool neutral = true;
  double count = 0.0;

  int electrode_keyword(int narg, char **arg);
};

} // namespace LAMMPS_NS

#endif
