/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Uncertainties of the energies and forces of one network: one more forward pass, without a tape,
   on the steps that ask for it; kspace is not involved.
------------------------------------------------------------------------- */

#include "compute_les_uncertainty_atom.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "update.h"

#include "les_response.h"
#include "pair_les.h"

using namespace LAMMPS_NS;

ComputeLESUncertaintyAtom::ComputeLESUncertaintyAtom(LAMMPS *lmp, int narg, char **arg) :
    Compute(lmp, narg, arg), response(nullptr), uncertainty(nullptr), variance(nullptr), nmax(0)
{
  if (narg != 3)
    error->all(FLERR, "Unknown keyword '{}' of compute {}; type 'compute {} {} {}'", arg[3], style,
               id, arg[1], style);
  peratom_flag = 1;
  size_peratom_cols = 2;
  comm_forward = 1;
}

ComputeLESUncertaintyAtom::~ComputeLESUncertaintyAtom()
{
  memory->destroy(uncertainty);
  memory->destroy(variance);
}

void ComputeLESUncertaintyAtom::init()
{
  if (!force->pair_match("^les", 0, 1))
    error->all(FLERR, "compute {} needs pair_style les; type 'pair_style les' and a 'pair_coeff'",
               style);
  response = PairLES::with_uncertainty(lmp);
  if (!response)
    error->all(FLERR,
               "compute {} needs a model with uncertainties, and this one has none; type 'pair-les "
               "export RUN -o model.pt --uncertainty run'",
               style);
}

void ComputeLESUncertaintyAtom::compute_peratom()
{
  invoked_peratom = update->ntimestep;
  allocate();
  const auto energies = response->energy_uncertainty();
  for (int i = 0; i < atom->nlocal; i++) variance[i] = energies[i] * energies[i];
  comm->forward_comm(this);
  const auto forces = response->force_uncertainty(variance);
  const double unit = response->energy_unit();
  for (int i = 0; i < atom->nlocal; i++) {
    const double factor = (atom->mask[i] & groupbit) ? unit : 0.0;
    uncertainty[i][0] = factor * energies[i];
    uncertainty[i][1] = factor * forces[i];
  }
}

void ComputeLESUncertaintyAtom::allocate()
{
  if (nmax >= atom->nmax) return;
  nmax = atom->nmax;
  memory->destroy(uncertainty);
  memory->destroy(variance);
  memory->create(uncertainty, nmax, 2, "les/uncertainty/atom:uncertainty");
  memory->create(variance, nmax, "les/uncertainty/atom:variance");
  array_atom = uncertainty;
}

int ComputeLESUncertaintyAtom::pack_forward_comm(int n, int *list, double *buf, int, int *)
{
  for (int k = 0; k < n; k++) buf[k] = variance[list[k]];
  return n;
}

void ComputeLESUncertaintyAtom::unpack_forward_comm(int n, int first, double *buf)
{
  for (int k = 0; k < n; k++) variance[first + k] = buf[k];
}

double ComputeLESUncertaintyAtom::memory_usage()
{
  return 3.0 * sizeof(double) * nmax;
}
