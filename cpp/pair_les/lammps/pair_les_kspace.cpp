/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les and the settings of its kspace style: which solvers there are, the splitting
   parameter, the mesh and its accuracy.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "neighbor.h"
#include "update.h"

#include "core/constants.h"
#include "core/cutoff_choice.h"
#include "core/long_range.h"
#include "core/mesh_error.h"
#include "kspace_access.h"
#include "pair_les_model.h"

#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// erfc(5.5 / sqrt2) = 4e-8: what the latent interaction of msm may still differ from 1/r at the cutoff
static constexpr double MSM_CUTOFF = 5.5;

// kspace styles that this pair style has been tested with
static const char *const KSPACE_STYLES[] = {"ewald",        "ewald/omp", "pppm", "pppm/omp",
                                            "pppm/stagger", "pppm/kk",   "msm",  "msm/omp"};

// relative change of sum q^2 or of the volume above which the mesh no longer has the accuracy asked for
static constexpr double CHARGE_CHANGE = 0.1;
static constexpr double VOLUME_CHANGE = 0.1;

// what kspace_modify order and diff are where nobody has set them, and what is better
static constexpr int IK = 0, AD = 1;
static constexpr int STOCK_ORDER = 5, STOCK_DIFFERENTIATION = IK, GOOD_ORDER = 7;

// e, rms: stands in for charges that no step has computed yet
static constexpr double GUESSED_CHARGE = 0.5;

/* ---------------------------------------------------------------------- */

void PairLES::check_kspace()
{
  if (!force->kspace)
    error->all(FLERR,
               "model file '{}' has charges and needs a kspace style; "
               "type 'kspace_style pppm 1.0e-5'",
               model->file);

  bool known = false;
  for (const auto *style : KSPACE_STYLES) known = known || strcmp(force->kspace_style, style) == 0;
  if (!known)
    error->all(FLERR,
               "pair_style les does not support kspace_style {}; "
               "type 'kspace_style pppm 1.0e-5' or 'kspace_style ewald 1.0e-5'",
               force->kspace_style);
  if (force->kspace->wireflag || force->kspace->slabflag > 1)
    error->all(FLERR, "pair_style les does not support kspace_modify wire or slab nozforce; "
                      "type 'kspace_modify slab 3.0'");
  if (force->kspace->slabflag && force->kspace->differentiation_flag == AD)
    error->all(FLERR, "kspace_modify diff ad with slab has wrong forces along z in LAMMPS; type "
                      "'kspace_modify diff ik slab 3.0'");
  if (force->kspace->msmflag)
    check_msm();
  else if (domain->nonperiodic && force->kspace->slabflag != 1)
    error->all(
        FLERR,
        "pair_style les with kspace_style {} needs a fully periodic box; type 'boundary p p p', or "
        "'boundary p p f' and 'kspace_modify slab 3.0'",
        force->kspace_style);
  if (!force->kspace->compute_flag)
    error->all(FLERR,
               "pair_style les needs the potential of kspace; type 'kspace_modify compute yes'");
}

/* ----------------------------------------------------------------------
   msm splits 1/r by a polynomial instead of a Gaussian, ends at the cutoff, and knows no background
------------------------------------------------------------------------- */

void PairLES::check_msm()
{
  const double sigma = model->long_range()->sigma;
  if (!split)
    error->all(FLERR, "kspace_style {} has no Gaussian to match; type 'pair_style les coul 10.0'",
               force->kspace_style);
  if (cut_coul < MSM_CUTOFF * sigma)
    error->all(FLERR,
               "pair_style les coul {} with kspace_style {} must be at least {} sigma = {}; "
               "type 'pair_style les coul {}'",
               cut_coul, force->kspace_style, MSM_CUTOFF, MSM_CUTOFF * sigma, MSM_CUTOFF * sigma);
  const bool isolated = !domain->xperiodic && !domain->yperiodic && !domain->zperiodic;
  if (!isolated && (!projects_charges() || model->total_wanted != 0.0))
    error->all(
        FLERR,
        "kspace_style {} in a periodic box needs charges that add up to zero, which "
        "model file '{}' does not promise (neutralize false); type 'pair_style les charge 0 coul "
        "...' or use kspace_style pppm",
        force->kspace_style, model->file);
}

/* ----------------------------------------------------------------------
   matched mode: the Gaussian of the solver is the latent one, nothing is left for real space.
   split mode: the solver chooses; it cannot without charges, so that before the first step any value
   stands in for its choice (size_mesh() has it choose again).
------------------------------------------------------------------------- */

void PairLES::prepare_gewald()
{
  KSpace *const kspace = force->kspace;

  // charges are known only after the first forward pass and need not add up to zero: the warnings of
  // kspace->init() would mislead
  kspace->warn_nocharge = 0;
  if (kspace->warn_nonneutral == 1) kspace->warn_nonneutral = 2;
  if (kspace->msmflag) {
    kspace->warn_nonneutral = 2;      // check_msm() refuses what is wrong, a charged cluster is not
    kspace->scalar_pressure_flag = 0; // its shortcut holds for 1/r only
    modify_kspace("cutoff/adjust", "no"); // the cutoff is the user's
    return;
  }

  const bool chosen_by_user = KSpaceAccess::gewald_fixed(kspace) && kspace->g_ewald != gewald_set;
  const double matched = pair_les::g_ewald_from_sigma(model->long_range()->sigma);
  if (split) {
    if (chosen_by_user && kspace->g_ewald > matched)
      error->all(
          FLERR,
          "kspace_modify gewald {} is more than the {:.8} of sigma {} of model file '{}', and "
          "gains nothing; use a smaller value",
          kspace->g_ewald, matched, model->long_range()->sigma, model->file);
    if (chosen_by_user) return;
    if (cutoff_auto && auto_matched) {
      if (kspace->g_ewald != matched || !KSpaceAccess::gewald_fixed(kspace)) set_gewald(matched);
      return;
    }
    double local = 0.0, all;
    for (int i = 0; i < atom->nlocal; i++) local += std::fabs(atom->q[i]);
    MPI_Allreduce(&local, &all, 1, MPI_DOUBLE, MPI_SUM, world);
    if (all == 0.0)
      set_gewald(matched);
    else
      release_gewald();
    return;
  }

  if (chosen_by_user && std::fabs(kspace->g_ewald - matched) > 1.0e-6 * matched)
    error->all(
        FLERR,
        "kspace_modify gewald {} contradicts sigma {} of model file '{}', which needs {:.8}; "
        "remove the kspace_modify gewald command or type 'pair_style les coul 9.0'",
        kspace->g_ewald, model->long_range()->sigma, model->file, matched);
  if (kspace->g_ewald != matched) set_gewald(matched);
}

/* ---------------------------------------------------------------------- */

void PairLES::set_gewald(double value)
{
  modify_kspace("gewald", fmt::format("{:.17g}", value));
  gewald_set = value;
}

/* ---------------------------------------------------------------------- */

void PairLES::modify_kspace(std::string keyword, std::string value)
{
  char *arg[2] = {&keyword[0], &value[0]};
  force->kspace->modify_params(2, arg);
}

/* ----------------------------------------------------------------------
   give the choice of g_ewald back to kspace, unless the user has made it
------------------------------------------------------------------------- */

void PairLES::release_gewald()
{
  if (!force->kspace || gewald_set == 0.0) return;
  if (KSpaceAccess::gewald_fixed(force->kspace) && force->kspace->g_ewald == gewald_set)
    set_gewald(0.0);
  gewald_set = 0.0;
}

/* ----------------------------------------------------------------------
   kspace styles size their mesh at init() from the charges and the box of that moment: at first there
   are no charges of this model yet, later both may have changed
------------------------------------------------------------------------- */

bool PairLES::size_mesh()
{
  KSpace *const kspace = force->kspace;
  const double charge_square = KSpaceAccess::charge_square(kspace);
  const double volume = kspace_volume();
  const bool outgrown =
      std::fabs(charge_square - sized_charge_square) > CHARGE_CHANGE * charge_square ||
      std::fabs(volume - sized_volume) > VOLUME_CHANGE * volume;
  if (outgrown) {
    // it only stood in while there were no charges
    if (split && !(cutoff_auto && auto_matched)) release_gewald();
    init_kspace();
    sized_charge_square = charge_square;
    sized_volume = volume;
  }
  const bool capped = split && !kspace->msmflag && cap_gewald();
  if (outgrown || capped) kspace->setup();
  if (outgrown || capped || !mesh_reported) report_mesh();
  return outgrown || capped;
}

/* ----------------------------------------------------------------------
   order 7 with analytic differentiation costs a fraction of LAMMPS's default at equal error; what the
   user has set stays
------------------------------------------------------------------------- */

void PairLES::choose_mesh()
{
  KSpace *const kspace = force->kspace;
  const std::string style(force->kspace_style);
  // LAMMPS refuses ad in triclinic boxes, and gets the forces along z wrong with slab
  const int differentiation = domain->triclinic || kspace->slabflag ? IK : AD;
  if (mesh_chosen && kspace->order == GOOD_ORDER && kspace->differentiation_flag == differentiation)
    return;
  mesh_chosen =
      mesh_auto && (style == "pppm" || style == "pppm/omp") && kspace->order == STOCK_ORDER &&
      kspace->differentiation_flag == STOCK_DIFFERENTIATION && !KSpaceAccess::mesh_fixed(kspace);
  if (!mesh_chosen) return;
  kspace->order = GOOD_ORDER;
  kspace->differentiation_flag = differentiation;
}

/* ----------------------------------------------------------------------
   back to the stock values for the next pair style, unless the user has changed them since
------------------------------------------------------------------------- */

void PairLES::release_mesh()
{
  // where all of LAMMPS ends, kspace has to find what it allocated
  if (!mesh_chosen || !update || !force->kspace || force->kspace->order != GOOD_ORDER) return;
  force->kspace->order = STOCK_ORDER;
  force->kspace->differentiation_flag = STOCK_DIFFERENTIATION;
}

/* ----------------------------------------------------------------------
   coul auto: by a cost model, not by timing, so that the same input gives the same trajectory everywhere.
   The neighbor list is made for the cutoff chosen here, before the charges of the first step are known:
   those of atom->q stand in for them, or a guess if there are none, to which the choice is not sensitive
------------------------------------------------------------------------- */

void PairLES::choose_cutoff()
{
  KSpace *const kspace = force->kspace;
  if (strncmp(force->kspace_style, "pppm", 4) != 0)
    error->all(
        FLERR,
        "pair_style les coul auto knows the cost of pppm only, not of {}; type a cutoff as in "
        "'pair_style les coul 9.0'",
        force->kspace_style);
  if (KSpaceAccess::gewald_fixed(kspace) && kspace->g_ewald != gewald_set)
    error->all(
        FLERR,
        "kspace_modify gewald {} leaves pair_style les coul auto no choice; remove it or type a "
        "cutoff as in 'pair_style les coul 9.0'",
        kspace->g_ewald);

  double mine = 0.0, charge_square;
  for (int i = 0; i < atom->nlocal; i++) mine += atom->q[i] * atom->q[i];
  MPI_Allreduce(&mine, &charge_square, 1, MPI_DOUBLE, MPI_SUM, world);
  const double n = static_cast<double>(atom->natoms);
  if (charge_square == 0.0) charge_square = n * GUESSED_CHARGE * GUESSED_CHARGE;

  const double volume = domain->xprd * domain->yprd * domain->zprd;
  const pair_les::LongRangeTask task{kspace->accuracy_absolute >= 0.0
                                         ? kspace->accuracy_absolute
                                         : kspace->accuracy_relative * force->qqrd2e,
                                     force->qqrd2e * charge_square,
                                     n,
                                     volume,
                                     model->long_range()->sigma,
                                     model->metadata().cutoff,
                                     neighbor->skin,
                                     std::cbrt(volume / comm->nprocs),
                                     kspace->order,
                                     kspace->differentiation_flag == AD};
  const auto choices = pair_les::cutoff_choices(task);
  const auto best = pair_les::cheapest_cutoff(task);
  auto_matched = best.cutoff == 0.0;
  cut_coul = auto_matched ? model->metadata().cutoff : best.cutoff;
  if (comm->me == 0)
    utils::logmesg(
        lmp,
        "pair_style les: coul auto chose {} (g_ewald {:.3g}, {:.2g} mesh points per atom): "
        "about {:.2g} us per atom and step, matched mode {:.2g}\n",
        auto_matched ? "matched mode" : fmt::format("R = {} A", cut_coul), best.g_ewald,
        best.points, best.cost, choices.front().cost);
}

/* ---------------------------------------------------------------------- */

void PairLES::start_timing()
{
  pair_sum_seconds = 0.0;
  start_counting();
}

/* ---------------------------------------------------------------------- */

void PairLES::finish_run()
{
  report_equilibration();
  if (!split || solver != KSPACE) return;
  double sum;
  MPI_Allreduce(&pair_sum_seconds, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
  pair_sum_seconds = 0.0;
  if (comm->me == 0)
    utils::logmesg(lmp, "pair_style les: pair sum took {:.4g} s, part of Pair\n",
                   sum / comm->nprocs);
}

/* ----------------------------------------------------------------------
   one line with the force error to be expected of the mesh and of the cutoff of split mode
------------------------------------------------------------------------- */

void PairLES::report_mesh()
{
  mesh_reported = true;
  KSpace *const kspace = force->kspace;
  const std::string style(force->kspace_style);
  if (style != "pppm" && style != "pppm/omp" && style != "pppm/kk")
    return; // they report themselves

  const double *const h = domain->h_inv;
  const double slab = kspace_volume() / (domain->xprd * domain->yprd * domain->zprd);
  const double pi2 = 2.0 * pair_les::PI;
  const pair_les::ParticleMesh mesh{{{pi2 * h[0], pi2 * h[5], pi2 * h[4]},
                                     {0.0, pi2 * h[1], pi2 * h[3]},
                                     {0.0, 0.0, pi2 * h[2] / slab}},
                                    kspace_volume(),
                                    {kspace->nx_pppm, kspace->ny_pppm, kspace->nz_pppm},
                                    kspace->order,
                                    kspace->differentiation_flag == AD,
                                    kspace->g_ewald};
  const double mine = pair_les::mesh_error_integral(mesh, comm->me, comm->nprocs);
  double integral;
  MPI_Allreduce(&mine, &integral, 1, MPI_DOUBLE, MPI_SUM, world);

  const double square = force->qqrd2e * KSpaceAccess::charge_square(kspace);
  const double n = static_cast<double>(atom->natoms), volume = kspace_volume();
  double error = pair_les::mesh_force_error(integral, square, n, volume);
  if (split && kspace->g_ewald != pair_les::g_ewald_from_sigma(model->long_range()->sigma))
    error = std::hypot(error,
                       pair_les::cutoff_force_error(kspace->g_ewald, cut_coul, square, n, volume));
  if (comm->me != 0) return;
  const double points = static_cast<double>(kspace->nx_pppm) * kspace->ny_pppm * kspace->nz_pppm;
  utils::logmesg(
      lmp,
      "pair_style les: mesh {} {} {} ({:.3g} points per atom), order {} diff {}{}, g_ewald {:.6g}: "
      "estimated rms force error {:.3g} {} ({:.2g} relative)\n",
      kspace->nx_pppm, kspace->ny_pppm, kspace->nz_pppm, points / n, kspace->order,
      kspace->differentiation_flag == AD ? "ad" : "ik",
      mesh_chosen ? " (chosen by pair_style les; 'mesh stock' keeps those of LAMMPS)" : "",
      kspace->g_ewald, error, energy_unit == 1.0 ? "eV/A" : "kcal/mol/A",
      error / kspace->two_charge_force);
}

/* ----------------------------------------------------------------------
   a splitting parameter above the matched one asks for a finer mesh than sigma does and leaves a pair
   sum whose range is sigma, not the cutoff: the matched mode is better in every respect
------------------------------------------------------------------------- */

bool PairLES::cap_gewald()
{
  const double chosen = force->kspace->g_ewald;
  const double matched = pair_les::g_ewald_from_sigma(model->long_range()->sigma);
  if (chosen <= matched) return false;
  if (comm->me == 0)
    utils::logmesg(
        lmp,
        "pair_style les: cutoff {} A and the accuracy asked for would need g_ewald {:.6}, "
        "more than the {:.6} of sigma {} A; using the latter without pair sum\n",
        cut_coul, chosen, matched, model->long_range()->sigma);
  set_gewald(matched);
  init_kspace();
  return true;
}

/* ----------------------------------------------------------------------
   with the splitting parameter as it stands: kspace->init() comes back through extract()
------------------------------------------------------------------------- */

void PairLES::init_kspace()
{
  gewald_decided = true;
  force->kspace->init();
  gewald_decided = false;
}
