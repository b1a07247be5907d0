/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   Counts atoms whose forces are more uncertain than a threshold, writes such frames, and ends the
   run in order: as with fix halt the run times out, and a restart file of that step is written.
------------------------------------------------------------------------- */

#include "fix_les_watch.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "error.h"
#include "extended_xyz.h"
#include "input.h"
#include "modify.h"
#include "timer.h"
#include "update.h"

#include "les_response.h"
#include "pair_les.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;
using namespace FixConst;

FixLESWatch::FixLESWatch(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), threshold(0.0), halts(false), halted(false), uncertainty(nullptr),
    response(nullptr), checked(-1), n_atoms(0), largest(0.0), n_fired(0), frames(0)
{
  const std::string every = (narg < 4) ? "" : arg[3];
  nevery = (utils::is_integer(every) && every.size() < 10) ? std::stoi(every) : 0;
  if (nevery < 1)
    error->all(FLERR,
               "fix {} every is '{}' but must be a number of steps, at least 1; type 'fix {} {} {} "
               "10 threshold 0.5'",
               style, every, id, arg[1], style);
  read_keywords(narg - 4, arg + 4);
  scalar_flag = vector_flag = 1;
  size_vector = 4;
  extscalar = extvector = 0;
  global_freq = 1; // values are those of the last check
  compute_id = fmt::format("{}_uncertainty", id);
  modify->add_compute(fmt::format("{} {} les/uncertainty/atom", compute_id, arg[1]));
}

FixLESWatch::~FixLESWatch()
{
  if (modify->get_compute_by_id(compute_id)) modify->delete_compute(compute_id);
}

void FixLESWatch::read_keywords(int narg, char **arg)
{
  const auto example = fmt::format("type 'fix {} all {} {} threshold 0.5'", id, style, nevery);
  for (int iarg = 0; iarg < narg; iarg++) {
    const std::string keyword = arg[iarg];
    const bool takes_value = keyword == "threshold" || keyword == "dump";
    if (keyword == "halt") {
      halts = true;
    } else if (!takes_value) {
      error->all(FLERR, "Unknown keyword '{}' of fix {}: must be threshold, dump or halt; {}",
                 keyword, style, example);
    } else if (++iarg == narg) {
      error->all(FLERR, "fix {} {} has no value; {}", style, keyword, example);
    } else if (keyword == "dump") {
      file = arg[iarg];
    } else {
      threshold = utils::is_double(arg[iarg]) ? std::stod(arg[iarg]) : 0.0;
      if (!(threshold > 0.0))
        error->all(FLERR,
                   "fix {} threshold is '{}' but must be a number > 0, in units of force; {}",
                   style, arg[iarg], example);
    }
  }
  if (threshold == 0.0)
    error->all(FLERR,
               "fix {} has no threshold: it is the uncertainty of a force, and 'pair-les inspect "
               "model.pt' prints that of the training data; {}",
               style, example);
}

int FixLESWatch::setmask()
{
  return END_OF_STEP | MIN_POST_FORCE;
}

void FixLESWatch::init()
{
  uncertainty = modify->get_compute_by_id(compute_id);
  if (!uncertainty)
    error->all(FLERR, "compute {} of fix {} is gone; type 'unfix {}' and the fix again", compute_id,
               style, id);
  response = PairLES::with_uncertainty(lmp); // the compute has refused other models
}

void FixLESWatch::setup(int /*vflag*/)
{
  checked = -1;
  check();
}

void FixLESWatch::min_setup(int vflag)
{
  setup(vflag);
}

void FixLESWatch::end_of_step()
{
  check();
}

void FixLESWatch::min_post_force(int /*vflag*/)
{
  if (update->ntimestep % nevery == 0) check();
}

// Once per step, also where a line search evaluates forces several times.
void FixLESWatch::check()
{
  if (halted || checked == update->ntimestep) return;
  checked = update->ntimestep;
  if (uncertainty->invoked_peratom != update->ntimestep) uncertainty->compute_peratom();

  bigint mine = 0;
  double mine_largest = 0.0;
  for (int i = 0; i < atom->nlocal; i++) {
    if (!(atom->mask[i] & groupbit)) continue;
    const double value = uncertainty->array_atom[i][1];
    if (!(value <= threshold)) mine++; // one that is not a number, too
    mine_largest = std::max(mine_largest, value);
  }
  MPI_Allreduce(&mine, &n_atoms, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  MPI_Allreduce(&mine_largest, &largest, 1, MPI_DOUBLE, MPI_MAX, world);
  if (n_atoms == 0) return;

  n_fired++;
  const tagint tag = atom_with_largest();
  if (comm->me == 0)
    utils::logmesg(
        lmp,
        "fix {} {}: step {}: {} atoms have forces more uncertain than {:g}, up to {:.4g} "
        "on atom {}\n",
        style, id, update->ntimestep, n_atoms, threshold, largest, tag);
  if (!file.empty()) write_frame();
  if (!halts) return;
  halted = true;
  timer->force_timeout();
}

tagint FixLESWatch::atom_with_largest() const
{
  tagint mine = MAXTAGINT, found;
  for (int i = 0; i < atom->nlocal; i++)
    if ((atom->mask[i] & groupbit) && uncertainty->array_atom[i][1] == largest)
      mine = std::min(mine, atom->tag[i]);
  MPI_Allreduce(&mine, &found, 1, MPI_LMP_TAGINT, MPI_MIN, world);
  return found;
}

void FixLESWatch::write_frame()
{
  ExtendedXYZ frame(lmp);
  frame.info = fmt::format("step={} beyond={} threshold={:g}", update->ntimestep, n_atoms,
                           threshold / response->energy_unit());
  frame.columns = {"energies_uncertainty", "forces_uncertainty"};
  for (int type = 1; type <= atom->ntypes; type++)
    frame.elements.push_back(response->element_of_type(type));
  const double eV = 1.0 / response->energy_unit();
  frame.append(file, [&](int i, double *row) {
    for (int k = 0; k < 2; k++) row[k] = eV * uncertainty->array_atom[i][k];
  });
  frames++;
}

void FixLESWatch::post_run()
{
  if (!halted) return;
  halted = false;
  const auto restart = fmt::format("{}.{}.restart", id, update->ntimestep);
  if (comm->me == 0)
    utils::logmesg(lmp, "fix {} {}: the run ends at step {}; type 'read_restart {}' to go on\n",
                   style, id, update->ntimestep, restart);
  input->one(fmt::format("write_restart {} noinit", restart));
}

double FixLESWatch::compute_scalar()
{
  return static_cast<double>(n_atoms);
}

// atoms beyond the threshold and the largest uncertainty at the last check, checks that found
// such atoms, frames written
double FixLESWatch::compute_vector(int n)
{
  const double values[4] = {static_cast<double>(n_atoms), largest, static_cast<double>(n_fired),
                            static_cast<double>(frames)};
  return values[n];
}
