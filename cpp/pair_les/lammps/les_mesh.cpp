// SPDX-License-Identifier: GPL-2.0-only

#include "les_mesh.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "force.h"
#include "kspace.h"
#include "neighbor.h"
#include "update.h"

#include "core/constants.h"
#include "kspace_access.h"
#include "kspace_cell.h"
#include "kspace_modify.h"

#include <algorithm>
#include <cmath>
#include <string>

using namespace LAMMPS_NS;

// values of kspace_modify order and diff that a user has not set, and what is better where the
// order cannot be chosen by cost
static constexpr int IK = 0, AD = 1;
static constexpr int STOCK_ORDER = 5, STOCK_DIFFERENTIATION = IK, GOOD_ORDER = 7;

// of a mesh that is refined for charges which do not fill the box: seconds per step, a gigabyte of
// memory
static constexpr double MOST_POINTS = 8388608.0;

// the same for reciprocal vectors of ewald, by LAMMPS's own count of them
static constexpr double MOST_VECTORS = 8388608.0;

// e, rms: stands in for charges that no step has computed yet
static constexpr double GUESSED_CHARGE = 0.5;

// how many times a plan is made finer until it differs, and the smallest factor
static constexpr int MOST_STEPS = 8;
static constexpr double SMALLEST_STEP = 1.15;

// Analytic differentiation and the right order cost a fraction of LAMMPS's default at equal error.
void LESMesh::choose()
{
  KSpace *const kspace = force->kspace;
  const std::string style(force->kspace_style);
  const bool untouched =
      kspace->order == (chosen() ? order : STOCK_ORDER) &&
      kspace->differentiation_flag == (chosen() ? differentiation : STOCK_DIFFERENTIATION) &&
      (!KSpaceAccess::mesh_fixed(kspace) || has_points());
  if (!(settings.choose_mesh && untouched && (style == "pppm" || style == "pppm/omp"))) {
    release_points();
    order = 0;
    return;
  }
  // LAMMPS refuses ad in triclinic boxes, and gets the forces along z wrong with slab
  differentiation = domain->triclinic || kspace->slabflag ? IK : AD;
  kspace->differentiation_flag = differentiation;
  order = kspace->order; // of ad it follows from the plan
  if (differentiation == AD) return;
  if (!plans_points()) release_points();
  kspace->order = order = GOOD_ORDER;
}

void LESMesh::plan(double charge_square)
{
  plan_points(charge_square);
  plan_vectors(charge_square);
}

bool LESMesh::plan_finer(double mesh_factor, double cutoff_factor, double charge_square)
{
  const auto before = present();
  for (int n = 0; n < MOST_STEPS; n++) {
    if (mesh_factor > 1.0)
      mesh_scale *= n == 0 ? std::max(mesh_factor, SMALLEST_STEP) : SMALLEST_STEP;
    if (cutoff_factor > 1.0)
      cutoff_scale *= n == 0 ? std::max(cutoff_factor, SMALLEST_STEP) : SMALLEST_STEP;
    plan(charge_square);
    if (present() != before) return true;
  }
  return false;
}

std::vector<double> LESMesh::present() const
{
  std::vector<double> settings{force->kspace->g_ewald, static_cast<double>(force->kspace->order)};
  settings.insert(settings.end(), points.begin(), points.end());
  settings.insert(settings.end(), vectors.begin(), vectors.end());
  return settings;
}

void LESMesh::release()
{
  // where all of LAMMPS ends, kspace has to find what it allocated
  if (!update || !force->kspace) return;
  release_vectors();
  if (!chosen()) return;
  release_points();
  if (force->kspace->order == order) {
    force->kspace->order = STOCK_ORDER;
    force->kspace->differentiation_flag = STOCK_DIFFERENTIATION;
  }
  order = 0;
}

void LESMesh::forget()
{
  order = 0;
  points = vectors = {};
  reset_scales();
}

// LAMMPS's own estimate for ik takes the directions apart: with slab its mesh is too coarse along
// z. Skewed boxes are left to it unless its mesh has been found to be too coarse.
bool LESMesh::plans_points() const
{
  return chosen() && (!domain->triclinic || refined());
}

bool LESMesh::has_points() const
{
  const KSpace *const kspace = force->kspace;
  return points[0] > 0 && points == Numbers{kspace->nx_pppm, kspace->ny_pppm, kspace->nz_pppm};
}

void LESMesh::set_points(const Numbers &n)
{
  modify_kspace(force->kspace,
                {"mesh", std::to_string(n[0]), std::to_string(n[1]), std::to_string(n[2])});
}

void LESMesh::release_points()
{
  if (has_points()) set_points({0, 0, 0});
  points = {};
}

// What LAMMPS would find for diff ad, or should find for a slab, without its sum over the whole
// mesh for every mesh that it tries (half a minute for 100 000 atoms), and with the order that
// costs least.
void LESMesh::plan_points(double charge_square)
{
  KSpace *const kspace = force->kspace;
  if (!plans_points()) return;
  const auto task = this->task(charge_square);
  double g_ewald = gewald.planned(task);
  if (g_ewald > gewald.matched()) {
    if (charge_square > 0.0 && task.cutoff_scale == 1.0) gewald.report_cap(g_ewald);
    g_ewald = gewald.matched();
  }
  if (g_ewald == 0.0) { // the accuracy is met without a long range: LAMMPS finds something
    release_points();
    kspace->order = order = differentiation == AD ? STOCK_ORDER : GOOD_ORDER;
    return;
  }
  const auto plan = pair_les::plan_mesh(settings.list_cutoff(), g_ewald, task);
  kspace->order = order = plan.order;
  points = plan.points;
  set_points(points);
  gewald.set_unless_present(g_ewald);
}

// Ewald finds its vectors for charges at random: they stay unless these have been found to be too
// few.
void LESMesh::plan_vectors(double charge_square)
{
  const std::string style(force->kspace_style);
  if (!settings.choose_mesh || (style != "ewald" && style != "ewald/omp")) return;
  if (KSpaceAccess::vectors(force->kspace) != vectors) return; // the user's
  if (!refined()) {
    release_vectors();
    return;
  }
  auto task = this->task(charge_square);
  const double g_ewald = std::min(gewald.planned(task), gewald.matched());
  if (g_ewald == 0.0) return;
  Numbers n;
  for (;; task.mesh_scale = std::max(1.0, 0.8 * task.mesh_scale)) {
    const double k = pair_les::largest_wave_vector(g_ewald, task);
    for (int axis = 0; axis < 3; axis++)
      n[axis] = static_cast<int>(std::ceil(k * task.edges[axis] / (2.0 * pair_les::PI)));
    if (4.0 * std::pow(*std::max_element(n.begin(), n.end()), 3) <= MOST_VECTORS ||
        task.mesh_scale == 1.0)
      break;
  }
  set_vectors(n);
  gewald.set_unless_present(g_ewald);
}

void LESMesh::set_vectors(const Numbers &n)
{
  modify_kspace(force->kspace,
                {"kmax/ewald", std::to_string(n[0]), std::to_string(n[1]), std::to_string(n[2])});
  vectors = n;
}

void LESMesh::release_vectors()
{
  if (vectors[0] > 0 && KSpaceAccess::vectors(force->kspace) == vectors) set_vectors({0, 0, 0});
  vectors = {};
}

pair_les::LongRangeTask LESMesh::task(double charge_square) const
{
  const KSpace *const kspace = force->kspace;
  const double n = static_cast<double>(atom->natoms);
  if (charge_square == 0.0) charge_square = n * GUESSED_CHARGE * GUESSED_CHARGE;
  charge_square += electrodes.n_atoms();
  const double accuracy = kspace->accuracy_absolute >= 0.0
                              ? kspace->accuracy_absolute
                              : kspace->accuracy_relative * force->qqrd2e;
  const double slab = kspace_slab_factor(lmp), sigma = network.long_range()->sigma;
  // the estimates of the core are for charges all over the cell, and errors are as 1/sqrt(volume)
  return {accuracy * std::sqrt(occupied_volume(lmp, sigma) / kspace_volume(lmp)),
          force->qqrd2e * charge_square,
          n,
          {domain->xprd, std::hypot(domain->yprd, domain->xy),
           slab * std::hypot(std::hypot(domain->zprd, domain->yz), domain->xz)},
          sigma,
          network.cutoff(),
          neighbor->skin,
          comm->nprocs,
          chosen() && differentiation == AD ? 0 : kspace->order,
          kspace->differentiation_flag == AD,
          mesh_scale,
          cutoff_scale,
          MOST_POINTS};
}
