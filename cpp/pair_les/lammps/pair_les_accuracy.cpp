/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: the error of the long-range sum for the charges at hand. It is measured against an exact
   sum, the solver is refined until it has the accuracy asked for, and one line of the log says what holds.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "fix_les_backward.h"
#include "force.h"
#include "kspace.h"
#include "memory.h"

#include "core/constants.h"
#include "core/long_range.h"
#include "core/long_range_plan.h"
#include "core/mesh_error.h"
#include "kspace_access.h"
#include "kspace_box.h"
#include "kspace_probe.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

using namespace LAMMPS_NS;

// How far an error may exceed what was asked for before anything is done about it: the formulas for charges at random, by
// which a mesh is planned first, are as good as that in a liquid. What is refined becomes better.
static constexpr double TOLERATED = 1.35, TOLERATED_OF_REFINED = 1.1;

static constexpr int MOST_REFINEMENTS = 8;
// part of an error that may be left by two refinements; more of it is not of the mesh but, say, of FFTs in single precision
static constexpr double STAGNATION = 0.7;

static constexpr double SMALLEST_STEP =
    1.15; // of the factor by which a mesh is planned more accurately

// of the terms that the exact sum leaves out, relative to the accuracy asked for; and what rounding leaves
static constexpr double PRECISION = 1.0e-3, ROUNDING = 1.0e-15;

/* ----------------------------------------------------------------------
   refines the solver until the error measured is what was asked for, or nothing more can be done about it;
   whether the solver has changed
------------------------------------------------------------------------- */

bool PairLES::refine_solver()
{
  auto &errors = model->errors;
  errors.measured = KSpaceAccess::charge_square(force->kspace) > 0.0 &&
                    KSpaceProbe::can_measure(force->kspace, force->kspace_style) &&
                    can_measure_errors();
  if (!errors.measured) return false;

  KSpaceProbe probe(lmp, model->n_charges);
  bool refined = false;
  double before[2] = {0.0, 0.0}; // errors of the last two attempts
  for (int n = 0;; n++) {
    measure_errors(probe);
    const double error = error_ratio();
    if (error <= (refined ? TOLERATED_OF_REFINED : TOLERATED) || n == MOST_REFINEMENTS) break;
    if (n >= 2 && error > STAGNATION * before[0]) break;
    before[0] = before[1];
    before[1] = error;
    if (!plan_finer()) break;
    refined = true;
    init_kspace();
    kspace_box->set_up();
  }
  return refined;
}

/* ----------------------------------------------------------------------
   how many times the error asked for, the larger of forces and energy
------------------------------------------------------------------------- */

double PairLES::error_ratio() const
{
  return std::max(model->errors.force, model->errors.energy / ENERGY_LENGTH) /
         force->kspace->accuracy;
}

/* ----------------------------------------------------------------------
   rms over the atoms compared and, where there are few, over places in a mesh cell: but never less than
   where the atoms are now
------------------------------------------------------------------------- */

void PairLES::measure_errors(KSpaceProbe &probe)
{
  const KSpace *const kspace = force->kspace;
  auto &errors = model->errors;
  const double sigma = model->long_range()->sigma;
  const bool cut = split && kspace->g_ewald != pair_les::g_ewald_from_sigma(sigma);
  probe.sum_exactly(sigma, cut ? cut_coul : 0.0,
                    std::max(PRECISION * kspace->accuracy / kspace->two_charge_force, ROUNDING));

  const auto beyond = probe.cutoff_errors();
  const auto beyond_forces = forces_of_errors(probe, beyond);
  const auto places = probe.displacements();
  std::vector<double>
      sums; // by place: squares of mesh, cutoff and both; energies of mesh and cutoff
  for (const auto &displacement : places) {
    const auto mesh = probe.kspace_errors(displacement);
    const auto forces = forces_of_errors(probe, mesh);
    double sum[5] = {0.0, 0.0, 0.0, 0.0, 0.0};
    for (std::size_t k = 0; k < forces.size(); k++) {
      sum[0] += forces[k] * forces[k];
      sum[1] += beyond_forces[k] * beyond_forces[k];
      sum[2] += std::pow(forces[k] + beyond_forces[k], 2);
    }
    for (std::size_t n = 0; n < probe.atoms().size(); n++) {
      sum[3] += 0.5 * atom->q[probe.atoms()[n]] * mesh[4 * n];
      sum[4] += 0.5 * atom->q[probe.atoms()[n]] * beyond[4 * n];
    }
    sums.insert(sums.end(), sum, sum + 5);
  }
  MPI_Allreduce(MPI_IN_PLACE, sums.data(), static_cast<int>(sums.size()), MPI_DOUBLE, MPI_SUM,
                world);

  const double n_places = static_cast<double>(places.size()), n = probe.n_sampled();
  const auto rms = [&](const std::function<double(const double *)> &square) {
    double sum = 0.0;
    for (std::size_t place = 0; place < places.size(); place++) sum += square(&sums[5 * place]);
    return std::sqrt(std::max(square(sums.data()), sum / n_places));
  };
  errors.mesh_force = rms([n](const double *sum) { return sum[0] / n; });
  errors.cutoff_force = rms([n](const double *sum) { return sum[1] / n; });
  errors.force = rms([n](const double *sum) { return sum[2] / n; });
  errors.mesh_energy = rms([n](const double *sum) { return std::pow(sum[3] / n, 2); });
  errors.cutoff_energy = rms([n](const double *sum) { return std::pow(sum[4] / n, 2); });
  errors.energy = rms([n](const double *sum) { return std::pow((sum[3] + sum[4]) / n, 2); });
  errors.atoms = n;
}

/* ----------------------------------------------------------------------
   [n, 3] at the atoms compared: errors of forces at fixed charges, and those of the potential times the
   response of the charges. Where only some atoms are compared, the rest have errors of the size found for
   their element, with a sign by ID: the same on any number of processes
------------------------------------------------------------------------- */

std::vector<double> PairLES::forces_of_errors(const KSpaceProbe &probe,
                                              const std::vector<double> &errors)
{
  const auto &sampled = probe.atoms();
  std::vector<double> forces(3 * sampled.size());
  for (std::size_t n = 0; n < sampled.size(); n++)
    std::copy_n(&errors[4 * n + 1], 3, &forces[3 * n]);
  if (equilibrates()) return forces; // the energy is stationary in the charges

  const int n_species = static_cast<int>(model->metadata().species.size());
  std::vector<double> squares(2 * n_species, 0.0);
  for (std::size_t n = 0; n < sampled.size(); n++) {
    const int species = model->species_of_atom[sampled[n]];
    squares[species] += errors[4 * n] * errors[4 * n];
    squares[n_species + species] += 1.0;
  }
  MPI_Allreduce(MPI_IN_PLACE, squares.data(), 2 * n_species, MPI_DOUBLE, MPI_SUM, world);

  const double volt = charge_unit / energy_unit;
  std::vector<double> potential(atom->nlocal, 0.0);
  if (!probe.samples_all())
    for (int i = 0; i < atom->nlocal; i++) {
      const int species = model->species_of_atom[i];
      if (squares[n_species + species] == 0.0) continue;
      const double size = std::sqrt(squares[species] / squares[n_species + species]);
      potential[i] = KSpaceProbe::sign_of(atom->tag[i]) * size * volt;
    }
  for (std::size_t n = 0; n < sampled.size(); n++) potential[sampled[n]] = errors[4 * n] * volt;
  if (projects_charges()) {
    double mine = 0.0, sum;
    for (const double value : potential) mine += value;
    MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    for (auto &value : potential) value -= sum / model->n_charges;
  }

  const auto &graph = model->graph;
  const double *g = charge_gradient(potential.data());
  double **response;
  memory->create(response, std::max(1, atom->nlocal + atom->nghost), 3, "pair:response");
  std::fill_n(response[0], 3 * (atom->nlocal + atom->nghost), 0.0);
  for (bigint e = 0; e < graph.n_edges(); e++, g += 3)
    for (int k = 0; k < 3; k++) {
      response[graph.atom[graph.centre[e]]][k] += energy_unit * g[k];
      response[graph.atom[graph.neighbour[e]]][k] -= energy_unit * g[k];
    }
  fix_backward->add_from_ghosts(response, 3);
  for (std::size_t n = 0; n < sampled.size(); n++)
    for (int k = 0; k < 3; k++) forces[3 * n + k] += response[sampled[n]][k];
  memory->destroy(response);
  return forces;
}

/* ----------------------------------------------------------------------
   the part of the solver whose error is too large, planned for an accuracy that is higher in proportion;
   whether anything came of it
------------------------------------------------------------------------- */

bool PairLES::plan_finer()
{
  const KSpace *const kspace = force->kspace;
  auto &errors = model->errors;
  const double asked = kspace->accuracy;
  const double of_cutoff =
      std::max(errors.cutoff_force, errors.cutoff_energy / ENERGY_LENGTH) / asked;
  const double of_mesh = std::max(errors.mesh_force, errors.mesh_energy / ENERGY_LENGTH) / asked;

  const bool cut = of_cutoff > 0.0 && !(cutoff_auto && auto_matched);
  const double share = cut ? pair_les::SHARE_OF_CUTOFF : 0.0;
  double finer[2] = {of_mesh / std::sqrt(1.0 - share * share), cut ? of_cutoff / share : 0.0};
  if (finer[0] <= 1.0 && finer[1] <= 1.0) finer[finer[1] > finer[0]] = SMALLEST_STEP;

  const auto before = solver_settings();
  for (int n = 0; n < MOST_REFINEMENTS; n++) {
    for (int part = 0; part < 2; part++)
      if (finer[part] > 1.0)
        (part == 0 ? errors.mesh_scale : errors.cutoff_scale) *=
            n == 0 ? std::max(finer[part], SMALLEST_STEP) : SMALLEST_STEP;
    plan_mesh(KSpaceAccess::charge_square(force->kspace));
    plan_vectors(KSpaceAccess::charge_square(force->kspace));
    if (solver_settings() != before) return true;
  }
  return false;
}

/* ---------------------------------------------------------------------- */

std::vector<double> PairLES::solver_settings() const
{
  std::vector<double> settings{force->kspace->g_ewald, static_cast<double>(force->kspace->order)};
  settings.insert(settings.end(), planned_points, planned_points + 3);
  settings.insert(settings.end(), model->errors.vectors.begin(), model->errors.vectors.end());
  return settings;
}

/* ----------------------------------------------------------------------
   one line with the error of the solver, of its mesh and of the cutoff of split mode
------------------------------------------------------------------------- */

void PairLES::report_solver()
{
  mesh_reported = true;
  const KSpace *const kspace = force->kspace;
  const auto &errors = model->errors;
  const bool pppm = strncmp(force->kspace_style, "pppm", 4) == 0 &&
                    strcmp(force->kspace_style, "pppm/stagger") != 0;
  if (!errors.measured && !pppm) return; // they print an estimate of their own
  const double force_error = errors.measured ? errors.force : error_of_random_charges();
  if (comm->me != 0) return;

  const double n = static_cast<double>(atom->natoms);
  std::string solver;
  if (pppm)
    solver = fmt::format(
        "mesh {} {} {} ({:.3g} points per atom), order {} diff {}{}", kspace->nx_pppm,
        kspace->ny_pppm, kspace->nz_pppm,
        static_cast<double>(kspace->nx_pppm) * kspace->ny_pppm * kspace->nz_pppm / n, kspace->order,
        kspace->differentiation_flag == 1 ? "ad" : "ik",
        mesh_chosen ? " (chosen by pair_style les; 'mesh stock' keeps those of LAMMPS)" : "");
  else
    solver = force->kspace_style;
  const char *const unit = energy_unit == 1.0 ? "eV" : "kcal/mol";
  const std::string basis = errors.measured
                                ? fmt::format(", energy error {:.3g} {} per atom, measured against "
                                              "an exact sum at {} of {} atoms",
                                              errors.energy, unit, errors.atoms, n)
                                : ", for charges at random positions: not measured";
  utils::logmesg(
      lmp,
      "pair_style les: {}, g_ewald {:.6g}: estimated rms force error {:.3g} {}/A ({:.2g} "
      "relative){}\n",
      solver, kspace->g_ewald, force_error, unit, force_error / kspace->two_charge_force, basis);
  if (errors.measured && error_ratio() > TOLERATED) warn_of_errors(unit);
}

/* ---------------------------------------------------------------------- */

void PairLES::warn_of_errors(const char *unit)
{
  const KSpace *const kspace = force->kspace;
  std::string cure = "type a smaller accuracy";
  if (KSpaceAccess::gewald_fixed(force->kspace) && kspace->g_ewald != gewald_set)
    cure = "remove kspace_modify gewald";
  else if (mesh_chosen)
    cure = "type 'pair_style les coul 10.0', or use a smaller box or kspace_style ewald";
  else if (strncmp(force->kspace_style, "pppm", 4) == 0)
    cure = "type a smaller accuracy, or leave order, diff and mesh to pair_style les";
  error->warning(
      FLERR,
      "kspace_style {} does not reach the accuracy asked for: forces {:.3g} {}/A, found {:.3g}; "
      "energy {:.3g} {} per atom, found {:.3g}; {}",
      force->kspace_style, kspace->accuracy, unit, model->errors.force,
      kspace->accuracy * ENERGY_LENGTH, unit, model->errors.energy, cure);
}

/* ----------------------------------------------------------------------
   rms error of the forces by the formulas for charges at random positions, of mesh and cutoff
------------------------------------------------------------------------- */

double PairLES::error_of_random_charges() const
{
  const KSpace *const kspace = force->kspace;
  const double *const h = domain->h_inv;
  const double slab = kspace_volume() / (domain->xprd * domain->yprd * domain->zprd);
  const double pi2 = 2.0 * pair_les::PI;
  const pair_les::ParticleMesh mesh{{{pi2 * h[0], pi2 * h[5], pi2 * h[4]},
                                     {0.0, pi2 * h[1], pi2 * h[3]},
                                     {0.0, 0.0, pi2 * h[2] / slab}},
                                    kspace_volume(),
                                    {kspace->nx_pppm, kspace->ny_pppm, kspace->nz_pppm},
                                    kspace->order,
                                    kspace->differentiation_flag == 1,
                                    kspace->g_ewald};
  const double mine = pair_les::mesh_error_integral(mesh, comm->me, comm->nprocs);
  double integral;
  MPI_Allreduce(&mine, &integral, 1, MPI_DOUBLE, MPI_SUM, world);

  const double square = force->qqrd2e * KSpaceAccess::charge_square(force->kspace);
  const double n = static_cast<double>(atom->natoms), volume = occupied_volume();
  const double of_mesh = pair_les::mesh_force_error(integral, square, n, volume);
  if (!split || kspace->g_ewald == pair_les::g_ewald_from_sigma(model->long_range()->sigma))
    return of_mesh;
  return std::hypot(of_mesh,
                    pair_les::cutoff_force_error(kspace->g_ewald, cut_coul, square, n, volume));
}
