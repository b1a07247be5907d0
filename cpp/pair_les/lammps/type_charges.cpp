/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Fix atom/swap and fix neighbor/swap exchange the types of two atoms, and their charges where
   these belong to types: an error of theirs unless equal types have equal charges when they are
   initialized.
------------------------------------------------------------------------- */

#include "type_charges.h"

#include "atom.h"
#include "modify.h"

#include <vector>

using namespace LAMMPS_NS;

void LAMMPS_NS::level_charges_for_swaps(LAMMPS *lmp)
{
  const auto *const modify = lmp->modify;
  if (modify->get_fix_by_style("^atom/swap$").empty() &&
      modify->get_fix_by_style("^neighbor/swap$").empty())
    return;

  auto *const atom = lmp->atom;
  const int n = atom->ntypes + 1;
  std::vector<double> mine(2 * n, 0.0), all(2 * n); // sums, then numbers of atoms
  for (int i = 0; i < atom->nlocal; i++) {
    mine[atom->type[i]] += atom->q[i];
    mine[n + atom->type[i]] += 1.0;
  }
  MPI_Allreduce(mine.data(), all.data(), 2 * n, MPI_DOUBLE, MPI_SUM, lmp->world);
  for (int i = 0; i < atom->nlocal; i++) atom->q[i] = all[atom->type[i]] / all[n + atom->type[i]];
}
