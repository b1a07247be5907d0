/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Runs after pair, bonds and kspace and before the reverse communication of ghost forces: the one
   place of a step where the potential of kspace is known and forces on ghosts are still sent home.
------------------------------------------------------------------------- */

#include "fix_les_backward.h"

#include "atom.h"
#include "comm.h"
#include "force.h"
#include "pair_les.h"

using namespace LAMMPS_NS;
using namespace FixConst;

/* ---------------------------------------------------------------------- */

FixLESBackward::FixLESBackward(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg), pair(nullptr)
{
  // the virial has to come through a fix: pair_style hybrid sums up virials of sub-styles
  // right after their compute(), before kspace has run
  virial_global_flag = 1;
  virial_peratom_flag = 1;
  thermo_virial = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  comm_reverse = 6;
}

/* ---------------------------------------------------------------------- */

int FixLESBackward::setmask()
{
  return PRE_REVERSE | MIN_PRE_REVERSE;
}

/* ---------------------------------------------------------------------- */

void FixLESBackward::setup_pre_reverse(int eflag, int vflag)
{
  pre_reverse(eflag, vflag);
}

/* ---------------------------------------------------------------------- */

void FixLESBackward::min_pre_reverse(int eflag, int vflag)
{
  pre_reverse(eflag, vflag);
}

/* ---------------------------------------------------------------------- */

void FixLESBackward::pre_reverse(int /*eflag*/, int vflag)
{
  v_init(vflag);
  if (vflag_atom)    // v_init() clears those of local atoms only
    for (int i = atom->nlocal; i < atom->nlocal + atom->nghost; i++)
      for (int k = 0; k < 6; k++) vatom[i][k] = 0.0;

  pair->backward_from_kspace(vflag_global ? virial : nullptr, vflag_atom ? vatom : nullptr);

  // compute stress/atom reads a fix's virial of local atoms only: bring the share of ghosts home
  if (vflag_atom) comm->reverse_comm(this);
}

/* ---------------------------------------------------------------------- */

int FixLESBackward::pack_reverse_comm(int n, int first, double *buf)
{
  int m = 0;
  for (int i = first; i < first + n; i++)
    for (int k = 0; k < 6; k++) buf[m++] = vatom[i][k];
  return m;
}

/* ---------------------------------------------------------------------- */

void FixLESBackward::unpack_reverse_comm(int n, int *list, double *buf)
{
  int m = 0;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 6; k++) vatom[list[i]][k] += buf[m++];
}
