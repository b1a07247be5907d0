// SPDX-License-Identifier: GPL-2.0-only

#include "les_charge_history.h"

#include "atom.h"
#include "error.h"
#include "fix.h"
#include "modify.h"
#include "update.h"

#include <algorithm>

using namespace LAMMPS_NS;

// polynomials through the charges of 1 to 4 former steps, the newest first
static constexpr double EXTRAPOLATION[4][4] = {
    {1.0, 0.0, 0.0, 0.0}, {2.0, -1.0, 0.0, 0.0}, {3.0, -3.0, 1.0, 0.0}, {4.0, -6.0, 4.0, -1.0}};

void LESChargeHistory::create()
{
  constexpr int NO_SUFFIX = 0; // the array is one of the host
  modify->add_fix(fmt::format("{} all property/atom d2_{} {} writedata no", id, id, LENGTH),
                  NO_SUFFIX);
}

void LESChargeHistory::destroy()
{
  if (modify->get_fix_by_id(id)) modify->delete_fix(id);
}

void LESChargeHistory::forget()
{
  known = 0;
  std::fill_n(misses, LENGTH, 0.0);
}

double **LESChargeHistory::array() const
{
  int is_double, columns;
  const int index = atom->find_custom(id.c_str(), is_double, columns);
  if (index < 0) error->all(FLERR, "fix {} of pair_style les has been deleted", id);
  return atom->darray[index];
}

bool LESChargeHistory::is_repeated() const
{
  return known > 0 && step == update->ntimestep;
}

// The newest charges are those of the step before, in dynamics.
bool LESChargeHistory::continues() const
{
  return update->whichflag == 1 && update->ntimestep == step + 1;
}

// Charges of the next step by the polynomial through those of `steps` former ones.
double LESChargeHistory::extrapolated(const double *charges, int steps)
{
  double charge = 0.0;
  for (int k = 0; k < steps; k++) charge += EXTRAPOLATION[steps - 1][k] * charges[k];
  return charge;
}

std::vector<double> LESChargeHistory::extrapolate() const
{
  double **const history = array();
  int steps = continues() ? known : 0;
  for (int fewer = steps - 1; fewer > 0; fewer--)
    if (misses[fewer - 1] < misses[steps - 1]) steps = fewer;
  if (steps == 0) return {};

  std::vector<double> charge(atom->nlocal);
  for (int i = 0; i < atom->nlocal; i++) charge[i] = extrapolated(history[i], steps);
  return charge;
}

// How far each polynomial would have missed the charges: a smooth trajectory is best continued by a
// polynomial of high degree, which multiplies the noise of a loose mesh by up to 15.
void LESChargeHistory::compare_extrapolations(const std::vector<double> &charge)
{
  double **const history = array();
  double mine[LENGTH] = {0.0}, all[LENGTH];
  for (int i = 0; i < atom->nlocal; i++)
    for (int steps = 1; steps <= known; steps++) {
      const double miss = charge[i] - extrapolated(history[i], steps);
      mine[steps - 1] += miss * miss;
    }
  MPI_Allreduce(mine, all, LENGTH, MPI_DOUBLE, MPI_SUM, world);
  for (int k = 0; k < known; k++)
    misses[k] = (misses[k] == 0.0) ? all[k] : 0.8 * misses[k] + 0.2 * all[k];
}

void LESChargeHistory::add(const std::vector<double> &charge)
{
  const bool again = update->ntimestep == step;
  const bool dynamics = continues();
  if (dynamics) compare_extrapolations(charge);
  step = update->ntimestep;
  if (dynamics)
    known = std::min(known + 1, LENGTH);
  else if (!again || known == 0)
    known = 1;

  double **const history = array();
  for (int i = 0; i < atom->nlocal; i++) {
    if (!again)
      for (int k = LENGTH - 1; k > 0; k--) history[i][k] = history[i][k - 1];
    history[i][0] = charge[i];
  }
}
