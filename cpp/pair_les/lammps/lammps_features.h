// SPDX-License-Identifier: GPL-2.0-only
// How a LAMMPS of the right release was built: with which MPI, and with integers of which size.
//
// Both decide what the styles and LAMMPS exchange. As in lammps_release.h, no object of LAMMPS is
// touched.

#ifndef PAIR_LES_LAMMPS_FEATURES_H
#define PAIR_LES_LAMMPS_FEATURES_H

namespace pair_les {

// Throws std::runtime_error with one line that names what differs and what to type.
void require_features(void *lmp);

} // namespace pair_les

#endif
