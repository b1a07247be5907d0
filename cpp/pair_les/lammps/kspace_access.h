// SPDX-License-Identifier: GPL-2.0-only
// What KSpace keeps to itself and its children, and has no public function for.

#ifndef PAIR_LES_LAMMPS_KSPACE_ACCESS_H
#define PAIR_LES_LAMMPS_KSPACE_ACCESS_H

#include "kspace.h"

#include <array>

namespace LAMMPS_NS {

struct KSpaceAccess : public KSpace {
  // g_ewald was set by kspace_modify gewald, not computed from accuracy and cutoff
  static bool gewald_fixed(KSpace *kspace) { return kspace->*(&KSpaceAccess::gewaldflag) != 0; }

  // the number of mesh points was set by kspace_modify mesh
  static bool mesh_fixed(KSpace *kspace) { return kspace->*(&KSpaceAccess::gridflag) != 0; }

  // numbers of reciprocal vectors along each axis set by kspace_modify kmax/ewald; zeros: none
  static std::array<int, 3> vectors(KSpace *kspace)
  {
    if (kspace->*(&KSpaceAccess::kewaldflag) == 0) return {0, 0, 0};
    return {kspace->*(&KSpaceAccess::kx_ewald), kspace->*(&KSpaceAccess::ky_ewald),
            kspace->*(&KSpaceAccess::kz_ewald)};
  }

  // the last compute() left the energies of atoms in eatom
  static bool has_energies_of_atoms(KSpace *kspace)
  {
    return kspace->*(&KSpaceAccess::eflag_atom) != 0;
  }

  // what fix adapt may have set, 1 unless it has
  static double scale_factor(KSpace *kspace) { return kspace->*(&KSpaceAccess::scale); }

  // sum of q^2 of the last qsum_qsq()
  static double charge_square(KSpace *kspace) { return kspace->*(&KSpaceAccess::qsqsum); }
};

} // namespace LAMMPS_NS

#endif
