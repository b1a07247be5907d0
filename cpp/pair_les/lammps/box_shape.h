// SPDX-License-Identifier: GPL-2.0-only
// Edges and tilt factors of the box at one moment, to tell whether it has moved.

#ifndef PAIR_LES_LAMMPS_BOX_SHAPE_H
#define PAIR_LES_LAMMPS_BOX_SHAPE_H

#include "domain.h"

#include <array>

namespace LAMMPS_NS {

using BoxShape = std::array<double, 9>;

inline BoxShape box_shape(const Domain *domain)
{
  const double *const lo = domain->boxlo, *const hi = domain->boxhi;
  return {lo[0], lo[1], lo[2], hi[0], hi[1], hi[2], domain->xy, domain->xz, domain->yz};
}

} // namespace LAMMPS_NS

#endif
