// SPDX-License-Identifier: GPL-2.0-only
// The box that the kspace style is set up for: kspace->setup() is called before kspace where the
// box has moved and LAMMPS has not done so.

#ifndef PAIR_LES_LAMMPS_KSPACE_BOX_H
#define PAIR_LES_LAMMPS_KSPACE_BOX_H

#include "pointers.h"

#include "box_shape.h"

namespace LAMMPS_NS {

class KSpaceBox : protected Pointers {
 public:
  KSpaceBox(class LAMMPS *lmp) : Pointers(lmp), shape{}, known(false) {}

  // after kspace->init(), which a setup() must follow
  void forget() { known = false; }

  // kspace->setup() has been called for the present box
  void remember();

  // the fixes of a step have moved the box: remembers it if they are fixes that call
  // kspace->setup() themselves
  void remember_moves_of_fixes();

  // calls kspace->setup() unless it is known to have been called for the present box
  void set_up();

 private:
  BoxShape shape;
  bool known;
};

} // namespace LAMMPS_NS

#endif
