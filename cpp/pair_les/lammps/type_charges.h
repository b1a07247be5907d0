// SPDX-License-Identifier: GPL-2.0-only
// Charges in the form in which fix atom/swap wants to see them before a run.

#ifndef PAIR_LES_LAMMPS_TYPE_CHARGES_H
#define PAIR_LES_LAMMPS_TYPE_CHARGES_H

namespace LAMMPS_NS {

// Give each atom the mean charge of its type if a fix is about to compare charges of equal types.
// Latent charges differ from atom to atom; those of the last run have no use after kspace->init(),
// and the first step computes them anew.
void level_charges_for_swaps(class LAMMPS *lmp);

} // namespace LAMMPS_NS

#endif
