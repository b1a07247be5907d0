// SPDX-License-Identifier: GPL-2.0-only

#include "les_charges.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// part of the sum of absolute charges that a net charge has to be, and mean absolute charge, e, below which it is of no
// account; those of python/pair_les/training/usability.py
static constexpr double IMBALANCE = 0.5, SMALL_CHARGE = 0.02;

int LESCharges::keyword(int narg, char **arg)
{
  if (strcmp(arg[0], "charge") != 0) return 0;
  if (narg < 2)
    error->all(FLERR, "pair_style les keyword charge needs the total charge in e; type "
                      "'pair_style les charge 0'");
  sum_given = true;
  sum_wanted = utils::numeric(FLERR, arg[1], false, lmp);
  return 2;
}

void LESCharges::reset()
{
  sum_given = false;
  sum_wanted = 0.0;
  electrode_compensation = 0.0;
}

// A network whose charge state was an input in training is exported for one charge per atom: the
// sum of the charges follows from the number of atoms, and cannot be another one.
void LESCharges::init()
{
  if (!network.long_range()) {
    if (sum_given)
      error->all(
          FLERR,
          "pair_style les charge needs a model with charges, but model file '{}' has none; type "
          "'pair_style les'",
          network.file());
    return;
  }
  const auto &state = network.metadata().charge_per_atom;
  if (!state) return;
  const double total = *state * (atom->natoms - electrodes.n_atoms());
  if (!sum_given) {
    sum_wanted = total;
    return;
  }
  const double given = sum_wanted;
  if (std::fabs(given - total) > 1.0e-6 * std::max(1.0, std::fabs(total)))
    error->all(FLERR,
               "pair_style les charge {:.6g} contradicts model file '{}', which was exported for "
               "{:.6g} e per atom, {:.6g} e for {} atoms; type 'pair_style les', or export the "
               "model with 'pair-les export --charge {:.6g}'",
               given, network.file(), *state, total, atom->natoms - electrodes.n_atoms(), given);
}

bool LESCharges::projects() const
{
  return network.long_range()->neutralize || sum_given;
}

void LESCharges::project_back(std::vector<double> &derivatives) const
{
  if (electrodes.on())
    for (std::size_t i = 0; i < derivatives.size(); i++)
      if (electrodes.of_atom(static_cast<int>(i)) >= 0) derivatives[i] = 0.0;
  if (!projects()) return;
  double mine = 0.0, all;
  for (const double value : derivatives) mine += value;
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  for (std::size_t i = 0; i < derivatives.size(); i++)
    if (!electrodes.on() || electrodes.of_atom(static_cast<int>(i)) < 0)
      derivatives[i] -= all / n_given;
}

void LESCharges::take_latent()
{
  const auto &latent = network.outputs().charge(); // of nodes
  const auto &atoms = network.graph().atom;
  double local_sum = 0.0;
  int n_local = 0;
  for (std::size_t n = 0; n < latent.size(); n++)
    if (!electrodes.on() || electrodes.of_atom(atoms[n]) < 0) {
      local_sum += latent[n];
      n_local++;
    }
  const double by = shift(local_sum, n_local);
  charge.resize(atom->nlocal);
  for (int i = 0; electrodes.on() && i < atom->nlocal; i++) charge[i] = atom->q[i] / units.charge;
  for (std::size_t n = 0; n < latent.size(); n++)
    if (!electrodes.on() || electrodes.of_atom(atoms[n]) < 0) charge[atoms[n]] = latent[n] - by;
  write(charge);
  values_changed();
}

double LESCharges::shift(double local_sum, int n_local)
{
  const double mine[3] = {local_sum, static_cast<double>(n_local),
                          static_cast<double>(atom->nlocal)};
  double all[3];
  MPI_Allreduce(mine, all, 3, MPI_DOUBLE, MPI_SUM, world);
  sum = all[0];
  n_given = all[1];
  n_charges = all[2];
  if (!projects()) return 0.0;
  sum = sum_wanted;
  return (all[0] - sum_wanted) / all[1];
}

void LESCharges::assign(const std::vector<double> &values)
{
  charge = values;
  sum = sum_wanted;
  write(charge);
  values_changed();
}

void LESCharges::take(const std::vector<double> &values, double compensation)
{
  try_out(values);
  charge = values;
  electrode_compensation = compensation;
  values_changed();
}

void LESCharges::try_out(const std::vector<double> &values)
{
  write(values);
  double mine = 0.0;
  for (const double q : values) mine += q;
  MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
}

void LESCharges::count_atoms()
{
  const double mine = atom->nlocal;
  MPI_Allreduce(&mine, &n_charges, 1, MPI_DOUBLE, MPI_SUM, world);
}

// In the unit that makes LAMMPS's Coulomb constant that of the model.
void LESCharges::write(const std::vector<double> &values)
{
  for (std::size_t i = 0; i < values.size(); i++) {
    const double q = units.charge * values[i];
    atom->q[i] = (q == 0.0) ? TINY : q;
  }
}

// Kspace neutralizes the box by a background, so that energies look as they should: a model that was trained at one
// composition may charge every cell of another.
void LESCharges::warn_of_imbalance()
{
  if (projects() || network.equilibrates()) return;
  sync_atom_charges_to_host();
  double mine[2] = {0.0, 0.0}, all[2];
  for (int i = 0; i < atom->nlocal; i++) {
    mine[0] += atom->q[i] / units.charge;
    mine[1] += std::fabs(atom->q[i] / units.charge);
  }
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, world);
  if (comm->me != 0 || std::fabs(all[0]) <= IMBALANCE * all[1] ||
      all[1] <= SMALL_CHARGE * n_charges)
    return;
  error->warning(FLERR,
                 "charges of {} atoms by model file '{}' add up to {:+.4g} e, which kspace "
                 "neutralizes by a uniform background; type 'pair_style les charge 0' for a "
                 "neutral box",
                 n_charges, network.file(), all[0]);
}

// Fixes act between setup() and compute() of a run's start. Kokkos keeps charges elsewhere.
void LESCharges::watch(bool active)
{
  watched = active && !lmp->kokkos;
  if (watched) watched_charges.assign(atom->q, atom->q + atom->nlocal);
}

void LESCharges::refuse_changes()
{
  if (!watched) return;
  watched = false;
  const int mine = !std::equal(watched_charges.begin(), watched_charges.end(), atom->q);
  int changed;
  MPI_Allreduce(&mine, &changed, 1, MPI_INT, MPI_MAX, world);
  if (changed)
    error->all(FLERR,
               "a fix sets charges of atoms, as fix adapt with atom charge does, but the model of "
               "pair_style les gives them; remove this fix");
}
