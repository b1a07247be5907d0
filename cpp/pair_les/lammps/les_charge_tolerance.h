// SPDX-License-Identifier: GPL-2.0-only
// How far charges that minimize the energy are iterated: those of charge equilibration, and those of
// electrodes.

#ifndef PAIR_LES_LAMMPS_LES_CHARGE_TOLERANCE_H
#define PAIR_LES_LAMMPS_LES_CHARGE_TOLERANCE_H

#include "pointers.h"

namespace LAMMPS_NS {

class LESChargeTolerance : protected Pointers {
 public:
  LESChargeTolerance(class LAMMPS *lmp) : Pointers(lmp) {}

  // Read the keyword qtol or qiter at the start of arg. Returns the number of words, 0 for another
  // keyword.
  int keyword(int narg, char **arg);
  void reset() { settings = {}; }

  double charge() const { return settings.charge; } // e
  int max_iterations() const { return settings.max_iterations; }
  bool given() const { return settings.given; } // by one of the keywords

 private:
  struct Settings {
    double charge = 1.0e-6;
    int max_iterations = 100;
    bool given = false;
  } settings;
};

} // namespace LAMMPS_NS

#endif
