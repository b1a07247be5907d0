// SPDX-License-Identifier: GPL-2.0-only
// The cell that a kspace style repeats, which kspace_modify slab makes longer than the box. Lengths
// in angstrom.

#ifndef PAIR_LES_LAMMPS_KSPACE_CELL_H
#define PAIR_LES_LAMMPS_KSPACE_CELL_H

namespace LAMMPS_NS {

class LAMMPS;

// Height of the cell divided by that of the box: 1 without kspace_modify slab.
double kspace_slab_factor(const LAMMPS *lmp);

// With kspace_modify slab it contains the empty space.
double kspace_volume(const LAMMPS *lmp);

// Volume of the part of the cell where atoms are: with slab without the empty space above and
// below, but never thinner than 2 sigma. Errors of forces are larger the closer charges are.
// Collective.
double occupied_volume(const LAMMPS *lmp, double sigma);

} // namespace LAMMPS_NS

#endif
