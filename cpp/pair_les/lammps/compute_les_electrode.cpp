/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Charge, potential, battery energy and empty capacitance of the electrodes of pair_style les.
------------------------------------------------------------------------- */

#include "compute_les_electrode.h"

#include "error.h"
#include "memory.h"
#include "update.h"

#include "les_response.h"
#include "pair_les.h"

using namespace LAMMPS_NS;

ComputeLESElectrode::ComputeLESElectrode(LAMMPS *lmp, int narg, char **arg) :
    Compute(lmp, narg, arg), electrodes(nullptr)
{
  if (narg > 3)
    error->all(FLERR, "Unknown keyword '{}' of compute {}; type 'compute {} all {}'", arg[3], style,
               id, style);
  scalar_flag = array_flag = 1;
  extscalar = extarray = 0;
  size_array_cols = 4;
  find_electrodes();
  size_array_rows = electrodes->size();
  memory->create(array, size_array_rows, size_array_cols, "les/electrode:array");
}

ComputeLESElectrode::~ComputeLESElectrode()
{
  memory->destroy(array);
}

void ComputeLESElectrode::init()
{
  find_electrodes();
  if (electrodes->size() != size_array_rows)
    error->all(FLERR,
               "compute {} was made for {} electrodes, and pair_style les has {}; type 'uncompute "
               "{}' and this compute again",
               style, size_array_rows, electrodes->size(), id);
}

void ComputeLESElectrode::find_electrodes()
{
  const LESResponse *const response = PairLES::with_charges(lmp);
  electrodes = response ? &response->electrodes : nullptr;
  if (!electrodes || !electrodes->on())
    error->all(FLERR,
               "compute {} needs a pair_style les with electrodes before it; type 'pair_style les "
               "electrode left 1.0 electrode right 0.0' and 'pair_coeff * * model.pt' followed by "
               "one element or NULL for each atom type",
               style);
}

// Energy supplied by all batteries.
double ComputeLESElectrode::compute_scalar()
{
  invoked_scalar = update->ntimestep;
  scalar = 0.0;
  for (int k = 0; k < size_array_rows; k++) scalar += electrodes->battery_energy(k);
  return scalar;
}

void ComputeLESElectrode::compute_array()
{
  invoked_array = update->ntimestep;
  for (int k = 0; k < size_array_rows; k++) {
    array[k][0] = electrodes->total_charge(k);
    array[k][1] = electrodes->potential(k);
    array[k][2] = electrodes->battery_energy(k);
    array[k][3] = electrodes->empty_capacitance(k);
  }
}
