/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Born effective charges of pair_style les: one more forward and backward pass on the steps
   that ask for them.
------------------------------------------------------------------------- */

#include "compute_les_born_atom.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "memory.h"
#include "update.h"

#include "les_response.h"
#include "pair_les.h"

#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

ComputeLESBornAtom::ComputeLESBornAtom(LAMMPS *lmp, int narg, char **arg) :
    Compute(lmp, narg, arg), response(nullptr), scale(1.0), born(nullptr), nmax(0)
{
  for (int iarg = 3; iarg < narg; iarg += 2) {
    if (strcmp(arg[iarg], "eps") != 0 || iarg + 1 == narg)
      error->all(FLERR,
                 "Unknown keyword '{}' of compute {}; type 'compute {} {} {}' or "
                 "'compute {} {} {} eps 1.78'",
                 arg[iarg], style, id, arg[1], style, id, arg[1], style);
    const double eps = utils::numeric(FLERR, arg[iarg + 1], false, lmp);
    if (!(eps >= 1.0))
      error->all(FLERR,
                 "compute {} eps is {} but must be >= 1, the electronic permittivity; type 'eps "
                 "1.78' for water",
                 style, eps);
    scale = std::sqrt(eps);
  }
  peratom_flag = 1;
  size_peratom_cols = 9;
  comm_reverse = 9;
}

ComputeLESBornAtom::~ComputeLESBornAtom()
{
  memory->destroy(born);
}

void ComputeLESBornAtom::init()
{
  response = PairLES::with_charges(lmp);
  if (!response)
    error->all(
        FLERR,
        "compute {} needs pair_style les and a model with charges; type 'pair_style les' and "
        "'pair_coeff * * model.pt' followed by one element for each atom type",
        style);
  if (response->equilibrates())
    error->all(FLERR,
               "compute {} does not know how equilibrated charges change with the positions of all "
               "atoms; use a model whose network gives the charges",
               style);
  if (response->electrodes.on())
    error->all(
        FLERR,
        "compute {} does not know how charges of electrodes change with the positions of all "
        "atoms; use a pair_style les without electrode",
        style);
}

void ComputeLESBornAtom::compute_peratom()
{
  invoked_peratom = update->ntimestep;
  evaluate();
  for (int i = 0; i < atom->nlocal; i++)
    for (int k = 0; k < 9; k++) born[i][k] *= (atom->mask[i] & groupbit) ? scale : 0.0;
}

// Latent Born charges of all local atoms into `born`.
void ComputeLESBornAtom::evaluate()
{
  if (nmax < atom->nmax) {
    nmax = atom->nmax;
    memory->destroy(born);
    memory->create(born, nmax, 9, "les/born/atom:born");
    array_atom = born;
  }
  const int nall = atom->nlocal + atom->nghost;
  for (int i = 0; i < nall; i++)
    for (int k = 0; k < 9; k++) born[i][k] = 0.0;
  response->add_born_charges(born);
  comm->reverse_comm(this);
}

int ComputeLESBornAtom::pack_reverse_comm(int n, int first, double *buf)
{
  int m = 0;
  for (int i = first; i < first + n; i++)
    for (int k = 0; k < 9; k++) buf[m++] = born[i][k];
  return m;
}

void ComputeLESBornAtom::unpack_reverse_comm(int n, int *list, double *buf)
{
  int m = 0;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 9; k++) born[list[i]][k] += buf[m++];
}

double ComputeLESBornAtom::memory_usage()
{
  return 9.0 * sizeof(double) * nmax;
}
