// SPDX-License-Identifier: GPL-2.0-only

#include "les_gewald.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "kspace.h"

#include "core/long_range.h"
#include "kspace_access.h"
#include "kspace_modify.h"

#include <cmath>

using namespace LAMMPS_NS;

double LESGewald::matched() const
{
  return pair_les::g_ewald_from_sigma(network.long_range()->sigma);
}

bool LESGewald::is_matched() const
{
  return force->kspace->g_ewald == matched();
}

bool LESGewald::by_user() const
{
  return KSpaceAccess::gewald_fixed(force->kspace) && force->kspace->g_ewald != given;
}

// Split mode: the solver chooses; it cannot without charges, so that before the first step the
// matched value stands in for its choice, which is repeated then.
void LESGewald::prepare()
{
  const KSpace *const kspace = force->kspace;
  if (settings.matched()) {
    if (by_user() && std::fabs(kspace->g_ewald - matched()) > 1.0e-6 * matched())
      error->all(
          FLERR,
          "kspace_modify gewald {} contradicts sigma {} of model file '{}', which needs {:.8}; "
          "remove the kspace_modify gewald command or type 'pair_style les coul 9.0'",
          kspace->g_ewald, network.long_range()->sigma, network.file(), matched());
    set_unless_present(matched());
    return;
  }

  if (by_user() && kspace->g_ewald > matched())
    error->all(FLERR,
               "kspace_modify gewald {} is more than the {:.8} of sigma {} of model file '{}', and "
               "gains nothing; use a smaller value",
               kspace->g_ewald, matched(), network.long_range()->sigma, network.file());
  if (by_user()) return;
  double local = 0.0, all;
  for (int i = 0; i < atom->nlocal; i++) local += std::fabs(atom->q[i]);
  MPI_Allreduce(&local, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  if (all == 0.0)
    set(matched());
  else
    release();
}

double LESGewald::planned(const pair_les::LongRangeTask &task) const
{
  if (settings.matched()) return matched();
  return by_user() ? force->kspace->g_ewald : pair_les::g_ewald_for_cutoff(settings.cutoff, task);
}

void LESGewald::set(double g_ewald)
{
  modify_kspace(force->kspace, {"gewald", fmt::format("{:.17g}", g_ewald)});
  given = g_ewald;
}

void LESGewald::set_unless_present(double g_ewald)
{
  if (force->kspace->g_ewald != g_ewald || !KSpaceAccess::gewald_fixed(force->kspace)) set(g_ewald);
}

void LESGewald::release()
{
  if (!force->kspace || given == 0.0) return;
  if (KSpaceAccess::gewald_fixed(force->kspace) && force->kspace->g_ewald == given) set(0.0);
  given = 0.0;
}

bool LESGewald::cap()
{
  const double chosen = force->kspace->g_ewald;
  if (chosen <= matched()) return false;
  report_cap(chosen);
  set(matched());
  return true;
}

void LESGewald::report_cap(double g_ewald) const
{
  if (comm->me != 0) return;
  const double sigma = network.long_range()->sigma;
  utils::logmesg(lmp,
                 "pair_style les: cutoff {} A and the accuracy asked for would need g_ewald {:.6}, "
                 "more than the {:.6} of sigma {} A; using the latter without pair sum\n",
                 settings.cutoff, g_ewald, matched(), sigma);
}
