/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: the charges of former steps, from which charge equilibration starts.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "error.h"
#include "fix.h"
#include "modify.h"
#include "update.h"

#include "pair_les_model.h"

#include <algorithm>

using namespace LAMMPS_NS;

// polynomials through the charges of 1 to 4 former steps, the newest first
static constexpr int HISTORY = PairLES::HISTORY;
static constexpr double EXTRAPOLATION[HISTORY][HISTORY] = {
    {1.0, 0.0, 0.0, 0.0}, {2.0, -1.0, 0.0, 0.0}, {3.0, -3.0, 1.0, 0.0}, {4.0, -6.0, 4.0, -1.0}};

/* ----------------------------------------------------------------------
   the charges of former steps go with their atoms: a custom array of LAMMPS
------------------------------------------------------------------------- */

void PairLES::create_charge_history()
{
  nextra = 3; // of compute pair
  pvector = new double[nextra];
  std::fill_n(pvector, nextra, 0.0);
  modify->add_fix(fmt::format("les_{}_history all property/atom d2_les_{}_history {} writedata no",
                              instance_me, instance_me, HISTORY));
}

/* ---------------------------------------------------------------------- */

void PairLES::delete_charge_history()
{
  const auto id = fmt::format("les_{}_history", instance_me);
  if (modify->get_fix_by_id(id)) modify->delete_fix(id);
  delete[] pvector;
  pvector = nullptr;
  nextra = 0;
}

/* ---------------------------------------------------------------------- */

double **PairLES::charge_history() const
{
  int is_double, columns;
  const auto name = fmt::format("les_{}_history", instance_me);
  const int index = atom->find_custom(name.c_str(), is_double, columns);
  if (index < 0) error->all(FLERR, "fix {} of pair_style les has been deleted", name);
  return atom->darray[index];
}

/* ----------------------------------------------------------------------
   charges of the next step by the polynomial through those of `steps` former ones
------------------------------------------------------------------------- */

double PairLES::extrapolated(const double *history, int steps)
{
  double charge = 0.0;
  for (int k = 0; k < steps; k++) charge += EXTRAPOLATION[steps - 1][k] * history[k];
  return charge;
}

/* ----------------------------------------------------------------------
   charges to start from: in dynamics those of former steps continued, else what atom->q has
------------------------------------------------------------------------- */

std::vector<double> PairLES::guessed_charges() const
{
  const auto &state = model->equilibration;
  const bool dynamics = update->whichflag == 1 && update->ntimestep == state.step + 1;
  double **const history = charge_history();
  int steps = dynamics ? state.remembered : 0;
  for (int fewer = steps - 1; fewer > 0; fewer--)
    if (state.misses[fewer - 1] < state.misses[steps - 1]) steps = fewer;

  std::vector<double> charge(atom->nlocal);
  for (int i = 0; i < atom->nlocal; i++)
    charge[i] = (steps > 0) ? extrapolated(history[i], steps) : atom->q[i] / charge_unit;
  return charge;
}

/* ----------------------------------------------------------------------
   how far each polynomial would have missed the charges: a smooth trajectory is best continued by a
   polynomial of high degree, which multiplies the noise of a loose mesh by up to 15
------------------------------------------------------------------------- */

void PairLES::compare_extrapolations(const std::vector<double> &charge)
{
  auto &state = model->equilibration;
  double **const history = charge_history();
  double mine[HISTORY] = {0.0}, all[HISTORY];
  for (int i = 0; i < atom->nlocal; i++)
    for (int steps = 1; steps <= state.remembered; steps++) {
      const double miss = charge[i] - extrapolated(history[i], steps);
      mine[steps - 1] += miss * miss;
    }
  MPI_Allreduce(mine, all, HISTORY, MPI_DOUBLE, MPI_SUM, world);
  for (int k = 0; k < state.remembered; k++)
    state.misses[k] = (state.misses[k] == 0.0) ? all[k] : 0.8 * state.misses[k] + 0.2 * all[k];
}

/* ----------------------------------------------------------------------
   a step may be solved again, when the mesh has changed
------------------------------------------------------------------------- */

void PairLES::remember_charges(const std::vector<double> &charge)
{
  auto &state = model->equilibration;
  const bool again = update->ntimestep == state.step;
  const bool dynamics = update->whichflag == 1 && update->ntimestep == state.step + 1;
  if (dynamics) compare_extrapolations(charge);
  state.step = update->ntimestep;
  if (dynamics)
    state.remembered = std::min(state.remembered + 1, HISTORY);
  else if (!again || state.remembered == 0)
    state.remembered = 1;

  double **const history = charge_history();
  for (int i = 0; i < atom->nlocal; i++) {
    if (!again)
      for (int k = HISTORY - 1; k > 0; k--) history[i][k] = history[i][k - 1];
    history[i][0] = charge[i];
  }
}
