// SPDX-License-Identifier: GPL-2.0-only
// Which LAMMPS there are styles for and which one the plugin runs in.
//
// The layout of LAMMPS's classes changes with releases and with updates of one release. Nothing
// here touches an object of LAMMPS: the C library interface, static functions and constants of the
// process are all that it reads.

#ifndef PAIR_LES_LAMMPS_RELEASE_H
#define PAIR_LES_LAMMPS_RELEASE_H

#include <string>
#include <vector>

namespace pair_les {

struct LammpsRelease {
  int date;         // 20250722, as lammps_version() returns it
  std::string name; // "22 Jul 2025 - Update 4", as LAMMPS prints it; empty: unknown
  std::string git;  // "stable_22Jul2025_update4", as `git describe` prints it; empty: unknown
};

// Styles that were compiled for one release.
struct LammpsBuild {
  LammpsRelease release;
  std::string package; // "2025.7.22.4.0" of the Python package; empty for a LAMMPS from elsewhere
  std::string folder;  // beside lesplugin.so
};

// Written by CMake, in the order of releases.
const std::vector<LammpsBuild> &lammps_builds();

// "22 Jul 2025 - Update 2, 22 Jul 2025 - Update 4"
std::string lammps_releases();

// Of the LAMMPS instance `lmp`.
LammpsRelease lammps_running(void *lmp);

// The styles for a release, which is the same as far as both are known; the latest of several.
// Throws std::runtime_error with one line that names both releases and what to type where there are
// none.
const LammpsBuild &styles_for(const LammpsRelease &running);

} // namespace pair_les

#endif
