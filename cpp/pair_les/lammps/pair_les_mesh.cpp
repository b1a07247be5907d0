/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les and the mesh of its kspace style: order, differentiation and number of points, the
   cutoff of coul auto. Its error is measured in pair_les_accuracy.cpp.
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
#include "core/long_range_plan.h"
#include "kspace_access.h"
#include "kspace_box.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// relative change of sum q^2 or of the volume above which the mesh no longer has the accuracy asked for
static constexpr double CHARGE_CHANGE = 0.1;
static constexpr double VOLUME_CHANGE = 0.1;

// what kspace_modify order and diff are where nobody has set them, and what is better where the order
// cannot be chosen by cost
static constexpr int IK = 0, AD = 1;
static constexpr int STOCK_ORDER = 5, STOCK_DIFFERENTIATION = IK, GOOD_ORDER = 7;

static constexpr double BIG = 1.0e300;

// of a mesh that is refined for charges which do not fill the box: seconds per step, a gigabyte of memory
static constexpr double MOST_POINTS = 8388608.0;

// the same for reciprocal vectors of ewald, by LAMMPS's own count of them
static constexpr double MOST_VECTORS = 8388608.0;

// e, rms: stands in for charges that no step has computed yet
static constexpr double GUESSED_CHARGE = 0.5;

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
    model->errors.mesh_scale = model->errors.cutoff_scale = 1.0;
    // it only stood in while there were no charges
    if (split && !(cutoff_auto && auto_matched)) release_gewald();
    plan_mesh(charge_square);
    plan_vectors(charge_square);
    init_kspace();
    sized_charge_square = charge_square;
    sized_volume = volume;
  }
  const bool capped = split && !kspace->msmflag && cap_gewald();
  const bool measure = outgrown || capped || !mesh_reported;
  if (measure) kspace_box->set_up();
  const bool refined = measure && refine_solver();
  if (measure) report_solver();
  return outgrown || capped || refined;
}

/* ----------------------------------------------------------------------
   analytic differentiation and the right order cost a fraction of LAMMPS's default at equal error; what
   the user has set stays
------------------------------------------------------------------------- */

void PairLES::choose_mesh()
{
  KSpace *const kspace = force->kspace;
  const std::string style(force->kspace_style);
  // prepare_gewald() switches this warning off: a kspace_style command has made a new object since
  if (kspace->warn_nocharge != 0) {
    mesh_chosen = false;
    gewald_set = 0.0;
    std::fill_n(planned_points, 3, 0);
    model->errors.mesh_scale = model->errors.cutoff_scale = 1.0;
    model->errors.vectors = {};
  }
  const bool untouched = kspace->order == (mesh_chosen ? chosen_order : STOCK_ORDER) &&
                         kspace->differentiation_flag ==
                             (mesh_chosen ? chosen_differentiation : STOCK_DIFFERENTIATION) &&
                         (!KSpaceAccess::mesh_fixed(kspace) || has_planned_points());
  if (!(mesh_auto && untouched && (style == "pppm" || style == "pppm/omp"))) {
    release_points();
    mesh_chosen = false;
    return;
  }
  mesh_chosen = true;
  // LAMMPS refuses ad in triclinic boxes, and gets the forces along z wrong with slab
  chosen_differentiation = domain->triclinic || kspace->slabflag ? IK : AD;
  kspace->differentiation_flag = chosen_differentiation;
  if (chosen_differentiation == AD) return; // the order follows in plan_mesh()
  if (!plans_points()) release_points();
  kspace->order = chosen_order = GOOD_ORDER;
}

/* ----------------------------------------------------------------------
   LAMMPS's own estimate for ik takes the directions apart: with slab its mesh is too coarse along z. Skewed boxes are left to it
   unless its mesh has been found to be too coarse
------------------------------------------------------------------------- */

bool PairLES::plans_points() const
{
  const auto &errors = model->errors;
  return mesh_chosen &&
         (!domain->triclinic || errors.mesh_scale > 1.0 || errors.cutoff_scale > 1.0);
}

/* ----------------------------------------------------------------------
   back to the stock values for the next pair style, unless the user has changed them since
------------------------------------------------------------------------- */

void PairLES::release_mesh()
{
  // where all of LAMMPS ends, kspace has to find what it allocated
  if (!mesh_chosen || !update || !force->kspace) return;
  release_points();
  if (force->kspace->order != chosen_order) return;
  force->kspace->order = STOCK_ORDER;
  force->kspace->differentiation_flag = STOCK_DIFFERENTIATION;
}

/* ---------------------------------------------------------------------- */

bool PairLES::has_planned_points() const
{
  const KSpace *const kspace = force->kspace;
  return planned_points[0] > 0 && kspace->nx_pppm == planned_points[0] &&
         kspace->ny_pppm == planned_points[1] && kspace->nz_pppm == planned_points[2];
}

/* ---------------------------------------------------------------------- */

void PairLES::release_points()
{
  if (has_planned_points()) set_points(0, 0, 0);
  std::fill_n(planned_points, 3, 0);
}

/* ---------------------------------------------------------------------- */

void PairLES::set_points(int nx, int ny, int nz)
{
  std::string words[4] = {"mesh", std::to_string(nx), std::to_string(ny), std::to_string(nz)};
  char *arg[4] = {&words[0][0], &words[1][0], &words[2][0], &words[3][0]};
  force->kspace->modify_params(4, arg);
}

/* ----------------------------------------------------------------------
   what LAMMPS would find for diff ad, or should find for a slab, without its sum over the whole mesh for every mesh that it tries
   (half a minute for 100 000 atoms), and with the order that costs least
------------------------------------------------------------------------- */

void PairLES::plan_mesh(double charge_square)
{
  KSpace *const kspace = force->kspace;
  if (!plans_points()) return;
  const auto task = long_range_task(charge_square);
  const double matched = pair_les::g_ewald_from_sigma(model->long_range()->sigma);
  double g_ewald = planned_gewald(task);
  if (g_ewald > matched) {
    if (charge_square > 0.0 && task.cutoff_scale == 1.0) report_cap(g_ewald);
    g_ewald = matched;
  }
  if (g_ewald == 0.0) { // the accuracy is met without a long range: LAMMPS finds something
    release_points();
    kspace->order = chosen_order = chosen_differentiation == AD ? STOCK_ORDER : GOOD_ORDER;
    return;
  }
  const auto plan = pair_les::plan_mesh(split ? cut_coul : 0.0, g_ewald, task);
  kspace->order = chosen_order = plan.order;
  std::copy(plan.points.begin(), plan.points.end(), planned_points);
  set_points(plan.points[0], plan.points[1], plan.points[2]);
  if (kspace->g_ewald != g_ewald || !KSpaceAccess::gewald_fixed(kspace)) set_gewald(g_ewald);
}

/* ----------------------------------------------------------------------
   ewald finds its vectors for charges at random: they stay unless these have been found to be too few
------------------------------------------------------------------------- */

void PairLES::plan_vectors(double charge_square)
{
  const std::string style(force->kspace_style);
  if (!mesh_auto || (style != "ewald" && style != "ewald/omp")) return;
  const auto &errors = model->errors;
  if (KSpaceAccess::vectors(force->kspace) != errors.vectors) return; // the user's
  if (errors.mesh_scale == 1.0 && errors.cutoff_scale == 1.0) {
    release_vectors();
    return;
  }
  auto task = long_range_task(charge_square);
  const double g_ewald =
      std::min(planned_gewald(task), pair_les::g_ewald_from_sigma(model->long_range()->sigma));
  if (g_ewald == 0.0) return;
  int n[3];
  for (;; task.mesh_scale = std::max(1.0, 0.8 * task.mesh_scale)) {
    const double k = pair_les::largest_wave_vector(g_ewald, task);
    for (int axis = 0; axis < 3; axis++)
      n[axis] = static_cast<int>(std::ceil(k * task.edges[axis] / (2.0 * pair_les::PI)));
    if (4.0 * std::pow(*std::max_element(n, n + 3), 3) <= MOST_VECTORS || task.mesh_scale == 1.0)
      break;
  }
  set_vectors(n[0], n[1], n[2]);
  if (force->kspace->g_ewald != g_ewald || !KSpaceAccess::gewald_fixed(force->kspace))
    set_gewald(g_ewald);
}

/* ---------------------------------------------------------------------- */

void PairLES::set_vectors(int nx, int ny, int nz)
{
  std::string words[4] = {"kmax/ewald", std::to_string(nx), std::to_string(ny), std::to_string(nz)};
  char *arg[4] = {&words[0][0], &words[1][0], &words[2][0], &words[3][0]};
  force->kspace->modify_params(4, arg);
  model->errors.vectors = {nx, ny, nz};
}

/* ---------------------------------------------------------------------- */

void PairLES::release_vectors()
{
  auto &planned = model->errors.vectors;
  if (planned[0] == 0) return;
  if (update && force->kspace && KSpaceAccess::vectors(force->kspace) == planned)
    set_vectors(0, 0, 0);
  planned = {};
}

/* ---------------------------------------------------------------------- */

double PairLES::planned_gewald(const pair_les::LongRangeTask &task) const
{
  const KSpace *const kspace = force->kspace;
  const double matched = pair_les::g_ewald_from_sigma(model->long_range()->sigma);
  if (!split || (cutoff_auto && auto_matched)) return matched;
  if (KSpaceAccess::gewald_fixed(force->kspace) && kspace->g_ewald != gewald_set)
    return kspace->g_ewald; // the user's
  return pair_les::g_ewald_for_cutoff(cut_coul, task);
}

/* ---------------------------------------------------------------------- */

pair_les::LongRangeTask PairLES::long_range_task(double charge_square) const
{
  const KSpace *const kspace = force->kspace;
  const double n = static_cast<double>(atom->natoms);
  if (charge_square == 0.0) charge_square = n * GUESSED_CHARGE * GUESSED_CHARGE;
  const double accuracy = kspace->accuracy_absolute >= 0.0
                              ? kspace->accuracy_absolute
                              : kspace->accuracy_relative * force->qqrd2e;
  const double slab = (kspace->slabflag == 1) ? kspace->slab_volfactor : 1.0;
  // the estimates of the core are for charges all over the cell, and errors are as 1/sqrt(volume)
  return {accuracy * std::sqrt(occupied_volume() / kspace_volume()),
          force->qqrd2e * charge_square,
          n,
          {domain->xprd, std::hypot(domain->yprd, domain->xy),
           slab * std::hypot(std::hypot(domain->zprd, domain->yz), domain->xz)},
          model->long_range()->sigma,
          model->metadata().cutoff,
          neighbor->skin,
          comm->nprocs,
          mesh_chosen && chosen_differentiation == AD ? 0 : kspace->order,
          kspace->differentiation_flag == AD,
          model->errors.mesh_scale,
          model->errors.cutoff_scale,
          MOST_POINTS};
}

/* ----------------------------------------------------------------------
   the part of the cell where charges are: with slab without the empty space above and below, but never
   thinner than a Gaussian. Errors of forces are larger the closer charges are
------------------------------------------------------------------------- */

double PairLES::occupied_volume() const
{
  if (force->kspace->slabflag != 1) return kspace_volume();
  double mine[2] = {-BIG, -BIG}, all[2]; // highest, and lowest with its sign turned
  for (int i = 0; i < atom->nlocal; i++) {
    mine[0] = std::max(mine[0], atom->x[i][2]);
    mine[1] = std::max(mine[1], -atom->x[i][2]);
  }
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_MAX, world);
  const double thickness = std::max(all[0] + all[1], 2.0 * model->long_range()->sigma);
  return std::min(domain->xprd * domain->yprd * thickness, kspace_volume());
}

/* ---------------------------------------------------------------------- */

double PairLES::present_charge_square() const
{
  double mine = 0.0, all;
  for (int i = 0; i < atom->nlocal; i++) mine += atom->q[i] * atom->q[i];
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  return all;
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

  const auto plans = pair_les::long_range_plans(long_range_task(present_charge_square()));
  const auto best = pair_les::cheapest(plans);
  auto_matched = best.cutoff == 0.0;
  cut_coul = auto_matched ? model->metadata().cutoff : best.cutoff;
  if (comm->me != 0) return;
  const double points = static_cast<double>(best.points[0]) * best.points[1] * best.points[2];
  utils::logmesg(
      lmp,
      "pair_style les: coul auto chose {} (g_ewald {:.3g}, {:.2g} mesh points per atom): "
      "about {:.2g} us per atom and step, matched mode {:.2g}\n",
      auto_matched ? "matched mode" : fmt::format("R = {} A", cut_coul), best.g_ewald,
      points / static_cast<double>(atom->natoms), best.cost, plans.front().cost);
}
