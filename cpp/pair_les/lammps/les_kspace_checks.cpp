// SPDX-License-Identifier: GPL-2.0-only

#include "les_kspace_checks.h"

#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"

#include "kspace_access.h"
#include "les_charges.h"
#include "les_network.h"
#include "les_solver_settings.h"

#include <cstring>

using namespace LAMMPS_NS;

// erfc(5.5 / sqrt2) = 4e-8: what the latent interaction of msm may still differ from 1/r at the
// cutoff
static constexpr double MSM_CUTOFF = 5.5;

// kspace styles that this pair style has been tested with
static const char *const KSPACE_STYLES[] = {"ewald",        "ewald/omp", "pppm", "pppm/omp",
                                            "pppm/stagger", "pppm/kk",   "msm",  "msm/omp"};

// Msm splits 1/r by a polynomial instead of a Gaussian, ends at the cutoff, and knows no
// background.
static void refuse_msm(LAMMPS *lmp, const LESNetwork &network, const LESCharges &charges,
                       const LESSolverSettings &settings)
{
  const double sigma = network.long_range()->sigma;
  if (!settings.split)
    lmp->error->all(FLERR,
                    "kspace_style {} has no Gaussian to match; type 'pair_style les coul 10.0'",
                    lmp->force->kspace_style);
  if (settings.cutoff < MSM_CUTOFF * sigma)
    lmp->error->all(FLERR,
                    "pair_style les coul {} with kspace_style {} must be at least {} sigma = {}; "
                    "type 'pair_style les coul {}'",
                    settings.cutoff, lmp->force->kspace_style, MSM_CUTOFF, MSM_CUTOFF * sigma,
                    MSM_CUTOFF * sigma);
  const bool isolated =
      !lmp->domain->xperiodic && !lmp->domain->yperiodic && !lmp->domain->zperiodic;
  if (!isolated && (!charges.projects() || charges.wanted() != 0.0))
    lmp->error->all(
        FLERR,
        "kspace_style {} in a periodic box needs charges that add up to zero, which "
        "model file '{}' does not promise (neutralize false); type 'pair_style les charge 0 coul "
        "...' or use kspace_style pppm",
        lmp->force->kspace_style, network.file());
}

void LAMMPS_NS::refuse_kspace(LAMMPS *lmp, const LESNetwork &network, const LESCharges &charges,
                              const LESSolverSettings &settings)
{
  if (!lmp->force->kspace)
    lmp->error->all(FLERR,
                    "model file '{}' has charges and needs a kspace style; "
                    "type 'kspace_style pppm 1.0e-5'",
                    network.file());

  bool known = false;
  for (const auto *style : KSPACE_STYLES)
    known = known || strcmp(lmp->force->kspace_style, style) == 0;
  if (!known)
    lmp->error->all(FLERR,
                    "pair_style les does not support kspace_style {}; "
                    "type 'kspace_style pppm 1.0e-5' or 'kspace_style ewald 1.0e-5'",
                    lmp->force->kspace_style);
  if (lmp->force->kspace->wireflag || lmp->force->kspace->slabflag > 1)
    lmp->error->all(FLERR, "pair_style les does not support kspace_modify wire or slab nozforce; "
                           "type 'kspace_modify slab 3.0'");
  if (lmp->force->kspace->slabflag && lmp->force->kspace->differentiation_flag == 1)
    lmp->error->all(FLERR,
                    "kspace_modify diff ad with slab has wrong forces along z in LAMMPS; type "
                    "'kspace_modify diff ik slab 3.0'");
  if (lmp->force->kspace->msmflag)
    refuse_msm(lmp, network, charges, settings);
  else if (lmp->domain->nonperiodic && lmp->force->kspace->slabflag != 1)
    lmp->error->all(
        FLERR,
        "pair_style les with kspace_style {} needs a fully periodic box; type 'boundary p p p', or "
        "'boundary p p f' and 'kspace_modify slab 3.0'",
        lmp->force->kspace_style);
  if (strcmp(lmp->force->kspace_style, "pppm/kk") == 0 && lmp->comm->nprocs > 1 &&
      lmp->comm->style != Comm::BRICK)
    lmp->error->all(FLERR,
                    "kspace_style pppm/kk with comm_style tiled has wrong forces in LAMMPS; type "
                    "'comm_style brick', or 'suffix off' before 'kspace_style pppm'");
  if (!lmp->force->kspace->compute_flag)
    lmp->error->all(
        FLERR, "pair_style les needs the potential of kspace; type 'kspace_modify compute yes'");
}

void LAMMPS_NS::refuse_scaled_kspace(LAMMPS *lmp)
{
  if (KSpaceAccess::scale_factor(lmp->force->kspace) != 1.0)
    lmp->error->all(FLERR,
                    "fix adapt cannot scale the kspace style of pair_style les: its charges have "
                    "forces of their own; remove the keyword kspace");
}
