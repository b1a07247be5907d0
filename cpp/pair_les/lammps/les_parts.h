// SPDX-License-Identifier: GPL-2.0-only
// The parts of a pair style, each with one reason to change. Every part refers only to the ones
// before it:
//
//   LESNetwork        graph, forward and backward pass, messages of ghosts (LESMessages); it is a
//                     LESModel: file and species
//   LESElectrodeGroups  electrodes as the user names them
//   LESCharges        latent charges, their sum, atom->q
//   LESField          uniform electric field
//   LESSplitSum       pair sum of split mode
//   LESLongRange      none, direct sum, kspace matched or split: charges to potential
//   LESEquilibration  charges that minimize the energy, to a tolerance (LESChargeTolerance)
//   LESElectrodes     charges of electrodes, at constant potential
//   LESTuning         settings of the kspace style: LESGewald, LESMesh, LESAccuracy
//   LESResponse       what computes ask

#ifndef PAIR_LES_LAMMPS_LES_PARTS_H
#define PAIR_LES_LAMMPS_LES_PARTS_H

#include "fix_les_backward.h"
#include "kspace_box.h"
#include "les_charge_tolerance.h"
#include "les_charges.h"
#include "les_electrode_groups.h"
#include "les_electrodes.h"
#include "les_equilibration.h"
#include "les_field.h"
#include "les_long_range.h"
#include "les_network.h"
#include "les_response.h"
#include "les_solver_settings.h"
#include "les_split_sum.h"
#include "les_tally.h"
#include "les_tuning.h"
#include "pair_les.h"

namespace LAMMPS_NS {

template <class Network, class Charges, class Field, class SplitSum, class LongRange, class... More>
void PairLES::create_parts(More &...more)
{
  units.reset(new LESUnits);
  solver_settings.reset(new LESSolverSettings);
  kspace_box.reset(new KSpaceBox(lmp));
  network.reset(new Network(lmp, this, *units, more...));
  electrode_groups.reset(new LESElectrodeGroups(lmp));
  charges.reset(new Charges(lmp, *units, *network, *electrode_groups, more...));
  field.reset(new Field(lmp, *units, more...));
  split_sum.reset(new SplitSum(lmp, *units, *network, *charges, *solver_settings, more...));
  long_range.reset(new LongRange(lmp, *units, *network, *charges, *field, *split_sum, *kspace_box,
                                 *solver_settings, more...));
  tolerance.reset(new LESChargeTolerance(lmp));
  equilibration.reset(new LESEquilibration(lmp, *units, *network, *charges, *field, *long_range,
                                           *tolerance, fmt::format("les_{}_history", instance_me)));
  electrodes.reset(new LESElectrodes(lmp, *units, *network, *electrode_groups, *charges, *field,
                                     *long_range, *tolerance,
                                     fmt::format("les_{}_electrodes", instance_me)));
  tuning.reset(new LESTuning(lmp, *units, *solver_settings, *network, *electrode_groups, *charges,
                             *kspace_box,
                             [this](double **rows) { fix_backward->add_from_ghosts(rows, 3); }));
  response.reset(new LESResponse(lmp, *network, *charges, *long_range, *electrodes));
}

} // namespace LAMMPS_NS

#endif
