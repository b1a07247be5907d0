// SPDX-License-Identifier: GPL-2.0-only
// Kspace styles and settings of them that do not go together with a model with charges.

#ifndef PAIR_LES_LAMMPS_LES_KSPACE_CHECKS_H
#define PAIR_LES_LAMMPS_LES_KSPACE_CHECKS_H

namespace LAMMPS_NS {

class LAMMPS;
class LESCharges;
class LESNetwork;
struct LESSolverSettings;

// Before a run: no kspace style, one that has not been tested, boundaries and options that would
// give wrong forces. Ends the run in one line that says what to type instead.
void refuse_kspace(LAMMPS *lmp, const LESNetwork &, const LESCharges &, const LESSolverSettings &);

// On each step: factors by which a fix scales kspace.
void refuse_scaled_kspace(LAMMPS *lmp);

} // namespace LAMMPS_NS

#endif
