// SPDX-License-Identifier: GPL-2.0-only

#include "kspace_cell.h"

#include "atom.h"
#include "domain.h"
#include "force.h"
#include "kspace.h"
#include "lammps.h"

#include <algorithm>

using namespace LAMMPS_NS;

static constexpr double BIG = 1.0e300;

double LAMMPS_NS::kspace_slab_factor(const LAMMPS *lmp)
{
  const KSpace *const kspace = lmp->force->kspace;
  return kspace->slabflag == 1 ? kspace->slab_volfactor : 1.0;
}

double LAMMPS_NS::kspace_volume(const LAMMPS *lmp)
{
  const Domain *const domain = lmp->domain;
  return domain->xprd * domain->yprd * domain->zprd * kspace_slab_factor(lmp);
}

double LAMMPS_NS::occupied_volume(const LAMMPS *lmp, double sigma)
{
  const double volume = kspace_volume(lmp);
  if (lmp->force->kspace->slabflag != 1) return volume;
  const Atom *const atom = lmp->atom;
  double mine[2] = {-BIG, -BIG}, all[2]; // highest, and lowest with its sign turned
  for (int i = 0; i < atom->nlocal; i++) {
    mine[0] = std::max(mine[0], atom->x[i][2]);
    mine[1] = std::max(mine[1], -atom->x[i][2]);
  }
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_MAX, lmp->world);
  const double thickness = std::max(all[0] + all[1], 2.0 * sigma);
  return std::min(lmp->domain->xprd * lmp->domain->yprd * thickness, volume);
}
