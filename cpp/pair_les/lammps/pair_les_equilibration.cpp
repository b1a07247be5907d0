/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: charge equilibration. The network gives electronegativities and hardnesses; the charges
   minimise the energy by conjugate gradients (core/charge_equilibration.h), whose products are calls of the
   kspace style. From then on they are charges like any others, and their forces at fixed charges are exact.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "timer.h"
#include "update.h"

#include "core/charge_equilibration.h"
#include "core/long_range.h"
#include "kspace_box.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// in units of sigma, how far charge flows in one step of the preconditioner
static constexpr double TRANSFER_LENGTH = 1.5;

/* ---------------------------------------------------------------------- */

bool PairLES::equilibrates() const
{
  return model->long_range() && model->long_range()->equilibrates();
}

/* ----------------------------------------------------------------------
   keywords qtol value and qiter N at the start of arg: how many words they are, else 0
------------------------------------------------------------------------- */

int PairLES::equilibration_keyword(int narg, char **arg)
{
  auto &settings = model->equilibration;
  if (strcmp(arg[0], "qtol") == 0) {
    const double value = (narg < 2) ? 0.0 : utils::numeric(FLERR, arg[1], false, lmp);
    if (!(value > 0.0))
      error->all(
          FLERR,
          "pair_style les qtol is {} but must be > 0, the error of an equilibrated charge in "
          "e; type 'qtol 1e-6'",
          value);
    settings.tolerance = value;
    settings.asked = true;
    return 2;
  }
  if (strcmp(arg[0], "qiter") == 0) {
    const int value = (narg < 2) ? 0 : utils::inumeric(FLERR, arg[1], false, lmp);
    if (value < 1)
      error->all(FLERR,
                 "pair_style les qiter is {} but must be > 0, the most iterations of one charge "
                 "equilibration; type 'qiter 100'",
                 value);
    settings.max_iterations = value;
    settings.asked = true;
    return 2;
  }
  return 0;
}

/* ----------------------------------------------------------------------
   before the first step: what cannot work
------------------------------------------------------------------------- */

void PairLES::check_equilibration()
{
  if (!equilibrates()) {
    if (model->equilibration.asked)
      error->all(FLERR,
                 "pair_style les qtol and qiter are for charge equilibration, but model file '{}' "
                 "has {}; remove them",
                 model->file, model->long_range() ? "charges of its own" : "no charges");
    return;
  }
  if (force->kspace && force->kspace->msmflag)
    error->all(FLERR,
               "kspace_style {} has not been tested with charge equilibration, which model file "
               "'{}' needs; type 'kspace_style pppm 1.0e-5'",
               force->kspace_style, model->file);
  auto &state = model->equilibration;
  state.remembered = 0; // whatever has happened since the last run
  std::fill_n(state.misses, HISTORY, 0.0);
}

/* ----------------------------------------------------------------------
   K q in V: the potential of any set of charges of the local atoms. What the solver adds to forces on the
   way is taken back; it is asked again in its own place, with the charges that are found.
------------------------------------------------------------------------- */

void PairLES::potential_of_charges(const std::vector<double> &charge,
                                   std::vector<double> &potential)
{
  const int n = atom->nlocal;
  double mine = 0.0;
  for (int i = 0; i < n; i++) {
    const double q = charge_unit * charge[i];
    atom->q[i] = (q == 0.0) ? TINY_CHARGE : q;
    mine += charge[i];
  }
  MPI_Allreduce(&mine, &model->total_charge, 1, MPI_DOUBLE, MPI_SUM, world);

  if (solver == DIRECT) {
    model->solver_charge = charge;
    sum_directly();
  } else {
    compute_kspace_alone();
    if (split) sum_split();
  }
  for (int i = 0; i < n; i++) {
    potential[i] = potential_correction(charge[i]);
    if (solver == KSPACE)
      potential[i] += 2.0 * force->kspace->eatom[i] / atom->q[i] * charge_unit / energy_unit;
    if (solver == DIRECT || split) potential[i] += model->pair_sum.potential[i];
  }
}

/* ----------------------------------------------------------------------
   potential of the pair sum of split mode
------------------------------------------------------------------------- */

void PairLES::sum_split()
{
  clear_pair_sum();
  if (force->kspace->g_ewald == pair_les::g_ewald_from_sigma(model->long_range()->sigma)) return;
  tabulate_split();
  send_charges();
  sum_pairs();
}

/* ---------------------------------------------------------------------- */

void PairLES::compute_kspace_alone()
{
  timer->stamp(Timer::PAIR);
  kspace_box->set_up();
  force->kspace->qsum_qsq(0);

  // triclinic: coordinates are converted forth and back, which would move atoms by a rounding each time
  const std::size_t size = 3 * static_cast<std::size_t>(atom->nlocal);
  auto &kept = model->equilibration.kept;
  kept.resize(2 * size);
  if (size > 0) {
    std::copy_n(&atom->f[0][0], size, kept.data());
    std::copy_n(&atom->x[0][0], size, kept.data() + size);
  }
  force->kspace->compute(ENERGY_ATOM, VIRIAL_NONE);
  if (size > 0) {
    std::copy_n(kept.data(), size, &atom->f[0][0]);
    std::copy_n(kept.data() + size, size, &atom->x[0][0]);
  }
  timer->stamp(Timer::KSPACE);
}

/* ---------------------------------------------------------------------- */

void PairLES::build_preconditioner(const std::vector<double> &curvature)
{
  auto &preconditioner = model->equilibration.preconditioner;
  const auto &long_range = *model->long_range();
  preconditioner.build(model->graph, curvature, TRANSFER_LENGTH * long_range.sigma,
                       model->metadata().cutoff, 2.0 * pair_les::self_energy_factor(long_range));
  std::copy(preconditioner.mobility().begin(), preconditioner.mobility().end(), atom->q);
  send_charges();
  preconditioner.set_mobilities(atom->q);
}

/* ----------------------------------------------------------------------
   values of local atoms go to their images by way of atom->q
------------------------------------------------------------------------- */

void PairLES::precondition(const std::vector<double> &residual, std::vector<double> &correction)
{
  const auto &preconditioner = model->equilibration.preconditioner;
  for (int i = 0; i < atom->nlocal; i++) atom->q[i] = preconditioner.message(i, residual[i]);
  send_charges();
  preconditioner.apply(residual, atom->q, correction);
}

/* ----------------------------------------------------------------------
   charges of the present step into atom->q
------------------------------------------------------------------------- */

void PairLES::equilibrate_charges()
{
  auto &state = model->equilibration;
  const auto &long_range = *model->long_range();
  const int n = atom->nlocal;
  using Vector = std::vector<double>;

  pair_les::ChargeEnergy energy;
  energy.electronegativity = model->evaluator->electronegativity();
  energy.hardness = model->evaluator->hardness();
  energy.curvature = energy.hardness;
  for (int i = 0; i < n; i++) {
    energy.electronegativity[i] += field_potential(i);
    energy.curvature[i] -= pair_les::lowest_hardness(long_range);
  }
  energy.total_charge = model->total_wanted;
  const double mine = n;
  MPI_Allreduce(&mine, &model->n_charges, 1, MPI_DOUBLE, MPI_SUM, world);
  energy.n_atoms = model->n_charges;
  energy.potential = [this](const Vector &q, Vector &phi) { potential_of_charges(q, phi); };
  energy.precondition = [this](const Vector &r, Vector &z) { precondition(r, z); };
  energy.sum = [this](double mine) {
    double sum;
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    return sum;
  };
  energy.largest = [this](double mine) {
    double largest;
    MPI_Allreduce(&mine, &largest, 1, MPI_DOUBLE, MPI_MAX, world);
    return largest;
  };
  auto charge = guessed_charges(); // from atom->q, which the next line uses for other things
  build_preconditioner(energy.curvature);
  const auto found = pair_les::equilibrate(energy, state.tolerance, state.max_iterations, charge);
  check_equilibrium(found, charge);
  const bool again = state.remembered > 0 && state.step == update->ntimestep;
  remember_charges(charge);
  count_iterations(found, again);

  model->solver_charge = charge;
  model->total_charge = model->total_wanted;
  for (int i = 0; i < n; i++) {
    const double q = charge_unit * charge[i];
    atom->q[i] = (q == 0.0) ? TINY_CHARGE : q;
  }
  if (solver == KSPACE) force->kspace->qsum_qsq(0);
}

/* ----------------------------------------------------------------------
   chi_i q_i + eta_i q_i^2 / 2 in eV
------------------------------------------------------------------------- */

double PairLES::charge_energy(int i) const
{
  const double q = model->solver_charge[i];
  return (model->evaluator->electronegativity()[i] + 0.5 * model->evaluator->hardness()[i] * q) * q;
}

/* ----------------------------------------------------------------------
   the outcome is that of all ranks
------------------------------------------------------------------------- */

void PairLES::check_equilibrium(const pair_les::Equilibrium &found,
                                const std::vector<double> &charge)
{
  const auto &state = model->equilibration;
  if (found.outcome == pair_les::Equilibrium::too_many_iterations)
    error->all(
        FLERR,
        "charge equilibration of pair_style les has an error of {:.3g} e after {} iterations "
        "at step {} instead of qtol {}; type 'pair_style les qiter {}' for more iterations, "
        "or a larger qtol",
        found.error, found.iterations, update->ntimestep, state.tolerance,
        10 * state.max_iterations);
  if (found.outcome == pair_les::Equilibrium::not_positive_definite)
    error->all(FLERR,
               "charge equilibration of pair_style les has no minimum at step {}: the mesh of "
               "kspace_style {} is too coarse; type 'kspace_style {} 1.0e-5' or a smaller number",
               update->ntimestep, force->kspace_style, force->kspace_style);
  const bool finite =
      std::all_of(charge.begin(), charge.end(), [](double q) { return std::isfinite(q); });
  stop_on_failure(finite ? ""
                         : fmt::format("charge equilibration of pair_style les gave a charge that "
                                       "is not finite at step {}: atoms are too close",
                                       update->ntimestep));
}

/* ----------------------------------------------------------------------
   for compute pair, which adds up the ranks, and for the log; a step may be solved again
------------------------------------------------------------------------- */

void PairLES::count_iterations(const pair_les::Equilibrium &found, bool again)
{
  auto &state = model->equilibration;
  state.in_step = found.iterations + (again ? state.in_step : 0);
  state.most_iterations = std::max(state.most_iterations, state.in_step);
  state.iterations += found.iterations;
  if (!again) state.steps++;
  if (comm->me != 0) return;
  pvector[0] = state.in_step;
  pvector[1] = found.error;
  pvector[2] = energy_unit * found.chemical_potential;
}

/* ----------------------------------------------------------------------
   after a run, for the log
------------------------------------------------------------------------- */

void PairLES::report_equilibration()
{
  auto &state = model->equilibration;
  if (!equilibrates() || state.steps == 0) return;
  if (comm->me == 0)
    utils::logmesg(lmp,
                   "pair_style les: charge equilibration took {:.3g} iterations per step, at most "
                   "{}, for qtol {}\n",
                   static_cast<double>(state.iterations) / static_cast<double>(state.steps),
                   state.most_iterations, state.tolerance);
}

/* ---------------------------------------------------------------------- */

void PairLES::start_counting()
{
  auto &state = model->equilibration;
  state.steps = state.iterations = 0;
  state.most_iterations = 0;
}
