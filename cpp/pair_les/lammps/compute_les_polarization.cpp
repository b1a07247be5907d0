/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Dipole, current and polarization phase of the charges of pair_style les.
------------------------------------------------------------------------- */

#include "compute_les_polarization.h"

#include "atom.h"
#include "domain.h"
#include "update.h"

#include "les_response.h"

#include <algorithm>

using namespace LAMMPS_NS;

ComputeLESPolarization::ComputeLESPolarization(LAMMPS *lmp, int narg, char **arg) :
    ComputeLESBornAtom(lmp, narg, arg)
{
  peratom_flag = 0;
  size_peratom_cols = 0;
  vector_flag = 1;
  size_vector = 12;
  extvector = 1;
  vector = new double[size_vector];
}

ComputeLESPolarization::~ComputeLESPolarization()
{
  delete[] vector;
}

// 1-3: sum q r of unwrapped positions, 4-6: its rate sum Z v, 7-9 and 10-12: real and imaginary
// part of P_g = sum q exp(2 pi i s_g) / (2 pi i) along each lattice vector.
void ComputeLESPolarization::compute_vector()
{
  invoked_vector = update->ntimestep;
  evaluate();

  double mine[12] = {0.0};
  for (int i = 0; i < atom->nlocal; i++) {
    if (!(atom->mask[i] & groupbit)) continue;
    const double q = response->charge(i);
    double unwrapped[3];
    domain->unmap(atom->x[i], atom->image[i], unwrapped);
    for (int a = 0; a < 3; a++) {
      mine[a] += q * unwrapped[a];
      for (int b = 0; b < 3; b++) mine[3 + a] += born[i][3 * a + b] * atom->v[i][b];
    }
    response->add_polarization_phase(i, mine + 6);
  }
  MPI_Allreduce(mine, vector, size_vector, MPI_DOUBLE, MPI_SUM, world);
  std::for_each(vector, vector + size_vector, [this](double &value) { value *= scale; });
}
