// SPDX-License-Identifier: GPL-2.0-only
// A uniform electric field E, which adds the energy U = -sqrt(eps) E . sum_i q_i R_i with unwrapped
// coordinates R.
//
// Like the long-range energy it is a function of charges and positions: its forces at fixed charges
// are sqrt(eps) q_i E, and its derivative in q_i joins the potential of the charges, which the
// backward pass of the network turns into -sum_j phi_j dq_j/dr_i, the term that fix efield leaves
// out.

#ifndef PAIR_LES_LAMMPS_LES_FIELD_H
#define PAIR_LES_LAMMPS_LES_FIELD_H

#include "pointers.h"

#include "les_charges.h"
#include "les_network.h"
#include "les_tally.h"

#include <string>

namespace LAMMPS_NS {

class LESField : protected Pointers {
 public:
  LESField(class LAMMPS *lmp, const LESUnits &units) : Pointers(lmp), units(units) {}
  virtual ~LESField() = default;

  // Read the keyword at the start of arg: efield Ex Ey Ez in V/angstrom, or eps. Returns the number
  // of words, 0 for another keyword.
  int keyword(int narg, char **arg);
  void reset() { field = {}; } // no field, as before any keyword

  bool on() const { return field.on; }
  double physical_charge() const { return field.scale; } // sqrt(eps), per latent charge

  // Before a run: refuse what cannot work. `neutral`: electrodes keep the sum of all charges constant.
  void init(const LESNetwork &, const LESCharges &, bool neutral);

  // Evaluate equal-style variables for the present step.
  void evaluate();

  // Potential at local atom i in V, -sqrt(eps) E . R_i.
  double potential(int i) const;

  // Add energy, forces at fixed charges and virial of the local atoms.
  virtual void compute(LESCharges &charges, const LESTally &tally);

 private:
  const LESUnits &units;
  struct Settings {
    bool on = false;
    std::string variable[3];           // names of equal-style variables, empty for constants
    double value[3] = {0.0, 0.0, 0.0}; // V/angstrom
    double scale = 1.0;                // sqrt(eps): physical per latent charge
  } field;
};

} // namespace LAMMPS_NS

#endif
