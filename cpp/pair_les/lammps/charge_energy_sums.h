// SPDX-License-Identifier: GPL-2.0-only
// Sums and maxima over MPI ranks for the solver of charges in the core.

#ifndef PAIR_LES_LAMMPS_CHARGE_ENERGY_SUMS_H
#define PAIR_LES_LAMMPS_CHARGE_ENERGY_SUMS_H

#include "core/charge_equilibration.h"

#include <mpi.h>

namespace LAMMPS_NS {

inline void reduce_over_ranks(pair_les::ChargeEnergy &energy, MPI_Comm world)
{
  const auto reduction = [world](MPI_Op operation) {
    return [world, operation](double mine) {
      double all;
      MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, operation, world);
      return all;
    };
  };
  energy.sum = reduction(MPI_SUM);
  energy.largest = reduction(MPI_MAX);
}

} // namespace LAMMPS_NS

#endif
