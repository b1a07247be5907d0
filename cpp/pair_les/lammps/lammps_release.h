// SPDX-License-Identifier: GPL-2.0-only
// Which LAMMPS the plugin was built for and which one it runs in.
//
// The layout of LAMMPS's classes changes with releases and with updates of one release. Nothing
// here touches an object of LAMMPS: the C library interface, static functions and constants of the
// process are all that it reads.

#ifndef PAIR_LES_LAMMPS_RELEASE_H
#define PAIR_LES_LAMMPS_RELEASE_H

#include <string>

namespace pair_les {

struct LammpsRelease {
  int date;         // 20250722, as lammps_version() returns it
  std::string name; // "22 Jul 2025 - Update 4", as LAMMPS prints it; empty: unknown
  std::string git;  // "stable_22Jul2025_update4", as `git describe` prints it; empty: unknown
};

// Set by CMake.
LammpsRelease lammps_built_for();

// Of the LAMMPS instance `lmp`.
LammpsRelease lammps_running(void *lmp);

// One line that names both releases and what to type; empty where they are the same as far as both
// are known.
std::string release_mismatch(const LammpsRelease &built, const LammpsRelease &running);

} // namespace pair_les

#endif
