// SPDX-License-Identifier: GPL-2.0-only
// Equilibrated charges of former steps, from which charge equilibration starts. They go with their
// atoms: a custom array of LAMMPS, made by an internal fix property/atom.

#ifndef PAIR_LES_LAMMPS_LES_CHARGE_HISTORY_H
#define PAIR_LES_LAMMPS_LES_CHARGE_HISTORY_H

#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESChargeHistory : protected Pointers {
 public:
  LESChargeHistory(class LAMMPS *lmp, std::string id) : Pointers(lmp), id(std::move(id)) {}

  const std::string &fix_id() const { return id; }
  void create();
  void destroy(); // by name: unfix may have deleted the fix

  void forget(); // before a run

  // The charges are those of the present step, which is being solved again because the mesh has
  // changed.
  bool is_repeated() const;

  // Charges [nlocal] to start from, in dynamics those of former steps extrapolated; otherwise
  // empty.
  std::vector<double> extrapolate() const;

  // Take the charges [nlocal] of the present step. Collective.
  void add(const std::vector<double> &charge);

 private:
  static constexpr int LENGTH = 4; // steps

  const std::string id;          // of the fix and of its array
  bigint step = -1;              // of the newest charges
  int known = 0;                 // consecutive steps whose charges are known
  double misses[LENGTH] = {0.0}; // squared errors of the extrapolations, a running mean

  static double extrapolated(const double *charges, int steps);
  bool continues() const;
  double **array() const;
  void compare_extrapolations(const std::vector<double> &charge);
};

} // namespace LAMMPS_NS

#endif
