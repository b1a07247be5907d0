// SPDX-License-Identifier: GPL-2.0-only
// What Comm keeps to itself and its children, and has no public function for.

#ifndef PAIR_LES_LAMMPS_COMM_ACCESS_H
#define PAIR_LES_LAMMPS_COMM_ACCESS_H

#include "comm.h"

namespace LAMMPS_NS {

struct CommAccess : public Comm {
  // the group of comm_modify group, the only one that gets ghosts; 0: all
  static int border_group(Comm *comm) { return comm->*(&CommAccess::bordergroup); }
};

} // namespace LAMMPS_NS

#endif
