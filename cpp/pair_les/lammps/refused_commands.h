// SPDX-License-Identifier: GPL-2.0-only
// Commands of LAMMPS that would give wrong results with pair_style les, refused by name before a
// run (docs/reference/lammps_commands.md).

#ifndef PAIR_LES_LAMMPS_REFUSED_COMMANDS_H
#define PAIR_LES_LAMMPS_REFUSED_COMMANDS_H

namespace LAMMPS_NS {

class LAMMPS;

// what of a pair style does not go together with a command; each contains the ones before it
enum class Conflict { MODEL, CHARGES, KSPACE };

// one error line on every rank if the input has such a fix or compute; `has` is what the pair style
// has
void refuse_commands(LAMMPS *lmp, Conflict has);

} // namespace LAMMPS_NS

#endif
