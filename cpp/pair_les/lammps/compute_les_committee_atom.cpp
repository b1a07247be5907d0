/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   How far the networks of a committee disagree: one backward pass for each of them, and one forward
   pass, on the steps that ask for it; kspace is not involved.
------------------------------------------------------------------------- */

#include "compute_les_committee_atom.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "update.h"

#include "les_response.h"
#include "pair_les.h"

#include <cmath>

using namespace LAMMPS_NS;

ComputeLESCommitteeAtom::ComputeLESCommitteeAtom(LAMMPS *lmp, int narg, char **arg) :
    Compute(lmp, narg, arg), response(nullptr), spread(nullptr), forces(nullptr), mean(nullptr),
    nmax(0)
{
  if (narg != 3)
    error->all(FLERR, "Unknown keyword '{}' of compute {}; type 'compute {} {} {}'", arg[3], style,
               id, arg[1], style);
  peratom_flag = 1;
  size_peratom_cols = 2;
  comm_reverse = 3;
}

ComputeLESCommitteeAtom::~ComputeLESCommitteeAtom()
{
  memory->destroy(spread);
  memory->destroy(forces);
  memory->destroy(mean);
}

void ComputeLESCommitteeAtom::init()
{
  if (!force->pair_match("^les", 0, 1))
    error->all(FLERR, "compute {} needs pair_style les; type 'pair_style les' and a 'pair_coeff'",
               style);
  response = PairLES::with_committee(lmp);
  if (!response)
    error->all(FLERR,
               "compute {} needs a model of several networks, but this one has one; type 'pair-les "
               "export RUN1 RUN2 RUN3 -o model.pt'",
               style);
}

// sqrt(mean over networks of |deviation from their mean|^2), by the recurrence of Welford (1962).
void ComputeLESCommitteeAtom::compute_peratom()
{
  invoked_peratom = update->ntimestep;
  allocate();
  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  for (int i = 0; i < nlocal; i++) {
    for (int k = 0; k < 4; k++) mean[i][k] = 0.0;
    spread[i][0] = spread[i][1] = 0.0;
  }

  response->evaluate_again();
  const int n_members = response->n_members();
  for (int member = 0; member < n_members; member++) {
    for (int i = 0; i < nall; i++) forces[i][0] = forces[i][1] = forces[i][2] = 0.0;
    response->add_member_forces(member, forces);
    comm->reverse_comm(this);
    const auto charges = response->member_charge(member);
    for (int i = 0; i < nlocal; i++)
      for (int k = 0; k < 4; k++) {
        const double value = k < 3 ? forces[i][k] : charges[i];
        const double before = value - mean[i][k];
        mean[i][k] += before / (member + 1);
        spread[i][k < 3 ? 0 : 1] += before * (value - mean[i][k]);
      }
  }
  for (int i = 0; i < nlocal; i++)
    for (int k = 0; k < 2; k++)
      spread[i][k] = (atom->mask[i] & groupbit) ? std::sqrt(spread[i][k] / n_members) : 0.0;
}

void ComputeLESCommitteeAtom::allocate()
{
  if (nmax >= atom->nmax) return;
  nmax = atom->nmax;
  memory->destroy(spread);
  memory->destroy(forces);
  memory->destroy(mean);
  memory->create(spread, nmax, 2, "les/committee/atom:spread");
  memory->create(forces, nmax, 3, "les/committee/atom:forces");
  memory->create(mean, nmax, 4, "les/committee/atom:mean");
  array_atom = spread;
}

int ComputeLESCommitteeAtom::pack_reverse_comm(int n, int first, double *buf)
{
  int m = 0;
  for (int i = first; i < first + n; i++)
    for (int d = 0; d < 3; d++) buf[m++] = forces[i][d];
  return m;
}

void ComputeLESCommitteeAtom::unpack_reverse_comm(int n, int *list, double *buf)
{
  int m = 0;
  for (int i = 0; i < n; i++)
    for (int d = 0; d < 3; d++) forces[list[i]][d] += buf[m++];
}

double ComputeLESCommitteeAtom::memory_usage()
{
  return 9.0 * sizeof(double) * nmax;
}
