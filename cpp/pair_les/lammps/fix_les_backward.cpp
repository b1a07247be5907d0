/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Runs after pair, bonds and kspace and before the reverse communication of ghost forces: the one
   place of a step where the potential of kspace is known and forces may still be added to ghosts.
------------------------------------------------------------------------- */

#include "fix_les_backward.h"

#include "atom.h"
#include "box_shape.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace_box.h"
#include "les_tally.h"
#include "memory.h"
#include "pair_les.h"

using namespace LAMMPS_NS;
using namespace FixConst;

FixLESBackward::FixLESBackward(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), pair(nullptr), sent(nullptr), sent_columns(0), listed_box{}
{
  // the virial has to come through a fix: pair_style hybrid sums up virials of sub-styles
  // right after their compute(), before kspace has run
  virial_global_flag = 1;
  virial_peratom_flag = 1;
  thermo_virial = 1;
  centroidstressflag = CENTROID_AVAIL;
  comm_reverse = 9;
}

int FixLESBackward::setmask()
{
  return POST_INTEGRATE | PRE_EXCHANGE | PRE_REVERSE | MIN_PRE_EXCHANGE | MIN_PRE_FORCE |
         MIN_PRE_REVERSE;
}

void FixLESBackward::init()
{
  if (!pair)
    error->all(FLERR,
               "fix LES/BACKWARD is a part of pair_style les and no command; type 'unfix {}'", id);
  listed_box = box_shape(domain);
}

void FixLESBackward::post_integrate()
{
  pair->box().remember_moves_of_fixes();
}

void FixLESBackward::min_pre_force(int /*vflag*/)
{
  pair->box().remember_moves_of_fixes();
}

// Fix pimd/langevin moves the box without telling LAMMPS, which then keeps ghosts and bins of the
// old one.
void FixLESBackward::pre_exchange()
{
  if (box_shape(domain) != listed_box) domain->box_change = 1;
}

void FixLESBackward::min_pre_exchange()
{
  pre_exchange();
}

void FixLESBackward::setup_pre_reverse(int eflag, int vflag)
{
  pre_reverse(eflag, vflag);
  pair->start_run();
}

void FixLESBackward::post_run()
{
  pair->finish_run();
}

void FixLESBackward::min_pre_reverse(int eflag, int vflag)
{
  pre_reverse(eflag, vflag);
}

void FixLESBackward::pre_reverse(int /*eflag*/, int vflag)
{
  v_init(vflag);
  if (vflag_atom) make_room(vatom, maxvatom, 6);
  if (cvflag_atom) make_room(cvatom, maxcvatom, 9);

  LESTally tally;
  if (vflag_global) tally.virial = virial;
  if (vflag_atom) tally.virials = vatom;
  if (cvflag_atom) tally.centroids = cvatom;
  pair->backward(tally);

  // computes read a fix's virial of local atoms only: add the share of ghosts
  if (vflag_atom) add_from_ghosts(vatom, 6);
  if (cvflag_atom) add_from_ghosts(cvatom, 9);
}

// v_init() thinks of local atoms only, in allocating and in clearing, and of none on an empty rank.
void FixLESBackward::make_room(double **&array, int &rows, int columns)
{
  const int nall = atom->nlocal + atom->nghost;
  int first = atom->nlocal;
  if (nall > rows) {
    memory->destroy(array);
    rows = atom->nmax;
    memory->create(array, rows, columns, "fix:vatom");
    first = 0;
  }
  for (int i = first; i < nall; i++)
    for (int k = 0; k < columns; k++) array[i][k] = 0.0;
}

void FixLESBackward::add_from_ghosts(double **array, int columns)
{
  sent = array;
  sent_columns = columns;
  comm->reverse_comm(this, columns);
}

int FixLESBackward::pack_reverse_comm(int n, int first, double *buf)
{
  int m = 0;
  for (int i = first; i < first + n; i++)
    for (int k = 0; k < sent_columns; k++) buf[m++] = sent[i][k];
  return m;
}

void FixLESBackward::unpack_reverse_comm(int n, int *list, double *buf)
{
  int m = 0;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < sent_columns; k++) sent[list[i]][k] += buf[m++];
}
