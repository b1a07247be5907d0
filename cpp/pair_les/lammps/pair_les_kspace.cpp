/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les and its kspace style: which solvers there are, and the splitting parameter. The mesh
   is chosen in pair_les_mesh.cpp.
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
#include "core/long_range.h"
#include "kspace_access.h"
#include "kspace_box.h"
#include "pair_les_model.h"

#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// erfc(5.5 / sqrt2) = 4e-8: what the latent interaction of msm may still differ from 1/r at the cutoff
static constexpr double MSM_CUTOFF = 5.5;

// kspace styles that this pair style has been tested with
static const char *const KSPACE_STYLES[] = {"ewald",        "ewald/omp", "pppm", "pppm/omp",
                                            "pppm/stagger", "pppm/kk",   "msm",  "msm/omp"};

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
  if (force->kspace->slabflag && force->kspace->differentiation_flag == 1)
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
  if (strcmp(force->kspace_style, "pppm/kk") == 0 && comm->nprocs > 1 && comm->style != Comm::BRICK)
    error->all(FLERR, "kspace_style pppm/kk with comm_style tiled has wrong forces in LAMMPS; type "
                      "'comm_style brick', or 'suffix off' before 'kspace_style pppm'");
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
   a splitting parameter above the matched one asks for a finer mesh than sigma does and leaves a pair
   sum whose range is sigma, not the cutoff: the matched mode is better in every respect
------------------------------------------------------------------------- */

bool PairLES::cap_gewald()
{
  const double chosen = force->kspace->g_ewald;
  const double matched = pair_les::g_ewald_from_sigma(model->long_range()->sigma);
  if (chosen <= matched) return false;
  report_cap(chosen);
  set_gewald(matched);
  init_kspace();
  return true;
}

/* ---------------------------------------------------------------------- */

void PairLES::report_cap(double g_ewald)
{
  if (comm->me != 0) return;
  const double sigma = model->long_range()->sigma;
  utils::logmesg(lmp,
                 "pair_style les: cutoff {} A and the accuracy asked for would need g_ewald {:.6}, "
                 "more than the {:.6} of sigma {} A; using the latter without pair sum\n",
                 cut_coul, g_ewald, pair_les::g_ewald_from_sigma(sigma), sigma);
}

/* ----------------------------------------------------------------------
   with the splitting parameter as it stands: kspace->init() comes back through extract()
------------------------------------------------------------------------- */

void PairLES::init_kspace()
{
  gewald_decided = true;
  force->kspace->init();
  kspace_box->forget();
  gewald_decided = false;
}
