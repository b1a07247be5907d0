// SPDX-License-Identifier: GPL-2.0-only
// Whether LAMMPS's classes look the same from its side and from ours.
//
// Two builds of one release can differ, where the sources have been changed or belong to a
// development version. What both sides can see without access to an object of LAMMPS is compared:
// sizes of the virtual function tables of base classes, and what the constructor of Pair writes
// where.

#ifndef PAIR_LES_CLASS_LAYOUT_H
#define PAIR_LES_CLASS_LAYOUT_H

#include <string>

namespace LAMMPS_NS {
class LAMMPS;
}

namespace pair_les {

// One line that names the class that differs and what to type; empty where none does.
std::string layout_mismatch(LAMMPS_NS::LAMMPS *lmp);

} // namespace pair_les

#endif
