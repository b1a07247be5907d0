// SPDX-License-Identifier: GPL-2.0-only
// What lesplugin.cpp calls in this library once LAMMPS is known to be the one that it was compiled
// for.

#include "class_layout.h"
#include "compute_les_born_atom.h"
#include "compute_les_committee_atom.h"
#include "compute_les_electrode.h"
#include "compute_les_polarization.h"
#include "compute_les_uncertainty_atom.h"
#include "fix_les_backward.h"
#include "fix_les_watch.h"
#include "pair_les.h"

using namespace LAMMPS_NS;

extern "C" {

void pair_les_layout_mismatch(LAMMPS *lmp, std::string &message)
{
  message = pair_les::layout_mismatch(lmp);
}

void *pair_les_create_pair(LAMMPS *lmp, int, char **)
{
  return new PairLES(lmp);
}

void *pair_les_create_backward(LAMMPS *lmp, int narg, char **arg)
{
  return new FixLESBackward(lmp, narg, arg);
}

void *pair_les_create_watch(LAMMPS *lmp, int narg, char **arg)
{
  return new FixLESWatch(lmp, narg, arg);
}

void *pair_les_create_born_atom(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeLESBornAtom(lmp, narg, arg);
}

void *pair_les_create_committee_atom(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeLESCommitteeAtom(lmp, narg, arg);
}

void *pair_les_create_uncertainty_atom(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeLESUncertaintyAtom(lmp, narg, arg);
}

void *pair_les_create_electrode(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeLESElectrode(lmp, narg, arg);
}

void *pair_les_create_polarization(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeLESPolarization(lmp, narg, arg);
}
}
