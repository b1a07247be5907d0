// SPDX-License-Identifier: MIT

#include "long_range_plan.h"

#include "constants.h"
#include "long_range.h"
#include "mesh_error.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace pair_les {

namespace {

constexpr double SHORTEST = 4.0, LONGEST = 12.0, STEP = 0.5; // angstrom
constexpr int LOWEST_ORDER = 4, HIGHEST_ORDER = 7;

// us, one core: from runs of 20 577 atoms of water with meshes of 32^3 to 80^3 points, orders 4 to 7 and cutoffs of 6 to 10
// angstrom; their ratios are what matters
constexpr double PER_MESH_POINT = 0.070;
constexpr double PER_STENCIL_POINT = 0.0018; // order^3 of them for each charge
constexpr double PER_PAIR = 0.0028;
constexpr double PER_LISTED_PAIR = 0.0012; // looked at on each step, nearer than cutoff and skin
constexpr double PER_SEARCHED_PAIR =
    0.0010;                         // neighbor search and lists, with a rebuild every ten steps
constexpr double PER_GHOST = 0.020; // position and charge sent on each step

// ---- the mesh ----

// The mean squared mesh error of unit charges is g F(h g) in a cubic mesh of spacing h. F, from a mesh of SAMPLE points a
// side, at spacings a constant factor apart.
class MeshErrorCurve {
 public:
  MeshErrorCurve(int order, bool analytic_differentiation)
  {
    for (int n = 0; n < N; ++n) {
      const double spacing = SMALLEST * std::pow(RATIO, n);
      const double k = 2.0 * PI / (SAMPLE * spacing), volume = std::pow(SAMPLE * spacing, 3);
      const ParticleMesh mesh{{{k, 0, 0}, {0, k, 0}, {0, 0, k}}, volume,
                              {SAMPLE, SAMPLE, SAMPLE},          order,
                              analytic_differentiation,          1.0};
      error_[n] = std::log(std::max(mesh_error_integral(mesh, 0, 1), 1.0e-300));
    }
  }

  // widest spacing times g whose error is at most this
  double spacing_times_g(double error) const
  {
    const double wanted = std::log(error);
    int n = 0;
    while (n + 1 < N && error_[n + 1] <= wanted) ++n;
    if (n + 1 == N) return SMALLEST * std::pow(RATIO, n);
    const double t = (wanted - error_[n]) / (error_[n + 1] - error_[n]);
    return SMALLEST * std::pow(RATIO, n + std::max(t, 0.0));
  }

 private:
  static constexpr int N = 40, SAMPLE = 16;
  static constexpr double SMALLEST = 0.1, RATIO = 1.1;
  double error_[N];
};

const MeshErrorCurve &mesh_error_curve(int order, bool analytic_differentiation)
{
  static std::map<std::pair<int, bool>, MeshErrorCurve> curves;
  const std::pair<int, bool> key{order, analytic_differentiation};
  const auto found = curves.find(key);
  if (found != curves.end()) return found->second;
  return curves.emplace(key, MeshErrorCurve(order, analytic_differentiation)).first->second;
}

// smallest number from `least` on that Fourier transforms like
int factorable(double least)
{
  for (int n = std::max(1, static_cast<int>(std::ceil(least)));; ++n) {
    int rest = n;
    for (const int factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

std::array<int, 3> mesh_points(double accuracy, double g_ewald, int order,
                               const LongRangeTask &task)
{
  // mesh_force_error() solved for the error integral
  const double error =
      std::pow(accuracy / task.charge_square, 2) * task.n_atoms * task.volume() / g_ewald;
  const double spacing =
      mesh_error_curve(order, task.analytic_differentiation).spacing_times_g(error) / g_ewald;
  std::array<int, 3> points;
  for (int axis = 0; axis < 3; ++axis) points[axis] = factorable(task.edges[axis] / spacing);
  return points;
}

// ---- what it costs ----

double mesh_cost(int order, const std::array<int, 3> &points, const LongRangeTask &task)
{
  return PER_STENCIL_POINT * std::pow(order, 3) +
         PER_MESH_POINT * points[0] * points[1] * points[2] / task.n_atoms;
}

// of the pair sum, and of a neighbor list and ghosts beyond those of the network
double cutoff_cost(double cutoff, const LongRangeTask &task)
{
  const double density = task.n_atoms / task.volume();
  const double subdomain = std::cbrt(task.volume() / task.processes);
  const auto sphere = [density](double radius) {
    return density * 4.0 / 3.0 * PI * std::pow(radius, 3);
  };
  const auto shell = [subdomain](double width) {
    return std::pow(1.0 + 2.0 * width / subdomain, 3) - 1.0;
  };
  const double net = task.net_cutoff + task.skin,
               reach = std::max(cutoff, task.net_cutoff) + task.skin;
  // a pair with a ghost is done on both sides: a share of 3/8 R per face of the subdomain
  const double across = std::min(1.0, 1.125 * cutoff / subdomain);
  const double pairs = PER_PAIR * sphere(cutoff) + PER_LISTED_PAIR * sphere(cutoff + task.skin);
  return (0.5 + 0.5 * across) * pairs + PER_SEARCHED_PAIR * (sphere(reach) - sphere(net)) +
         PER_GHOST * (2.0 * shell(reach) - shell(net));
}

} // namespace

double g_ewald_for_cutoff(double cutoff, const LongRangeTask &task)
{
  const double x = SHARE_OF_CUTOFF * task.accuracy / task.cutoff_scale *
                   std::sqrt(task.n_atoms * cutoff * task.volume()) / (2.0 * task.charge_square);
  return x < 1.0 ? std::sqrt(-std::log(x)) / cutoff : 0.0;
}

namespace {

LongRangePlan plan_mesh_of_scale(double cutoff, double g_ewald, double scale,
                                 const LongRangeTask &task)
{
  LongRangePlan best{cutoff, g_ewald, 0, {0, 0, 0}, 0.0};
  const double of_mesh = cutoff > 0.0
                             ? std::sqrt(1.0 - SHARE_OF_CUTOFF * SHARE_OF_CUTOFF) * task.accuracy
                             : task.accuracy;
  const int lowest = task.order ? task.order : LOWEST_ORDER;
  const int highest = task.order ? task.order : HIGHEST_ORDER;
  for (int order = lowest; order <= highest; ++order) {
    const auto points = mesh_points(of_mesh / scale, g_ewald, order, task);
    const double cost = mesh_cost(order, points, task);
    if (best.order == 0 || cost < best.cost) best = {cutoff, g_ewald, order, points, cost};
  }
  if (cutoff > 0.0) best.cost += cutoff_cost(cutoff, task);
  return best;
}

} // namespace

LongRangePlan plan_mesh(double cutoff, double g_ewald, const LongRangeTask &task)
{
  for (double scale = task.mesh_scale;; scale = std::max(1.0, 0.8 * scale)) {
    const auto plan = plan_mesh_of_scale(cutoff, g_ewald, scale, task);
    const double points = static_cast<double>(plan.points[0]) * plan.points[1] * plan.points[2];
    if (scale == 1.0 || task.most_points == 0.0 || points <= task.most_points) return plan;
  }
}

double largest_wave_vector(double g_ewald, const LongRangeTask &task)
{
  const double edge = *std::min_element(task.edges.begin(), task.edges.end());
  const double size = 2.0 * task.charge_square * g_ewald / edge *
                      std::sqrt(2.0 / (edge * task.n_atoms)) * task.mesh_scale / task.accuracy;
  double k = g_ewald; // size exp(-k^2 / 4g^2) / sqrt(k) = 1
  for (int n = 0; n < 50; ++n)
    k = 2.0 * g_ewald * std::sqrt(std::max(0.1, std::log(size / std::sqrt(k))));
  return k;
}

std::vector<LongRangePlan> long_range_plans(const LongRangeTask &task)
{
  const double matched = g_ewald_from_sigma(task.sigma);
  std::vector<LongRangePlan> plans{plan_mesh(0.0, matched, task)};
  for (double cutoff = SHORTEST; cutoff <= LONGEST; cutoff += STEP) {
    const double g_ewald = g_ewald_for_cutoff(cutoff, task);
    // above the matched one there is nothing to gain; an accuracy that needs no long range leaves no mesh to weigh
    if (g_ewald > 0.0 && g_ewald < matched) plans.push_back(plan_mesh(cutoff, g_ewald, task));
  }
  return plans;
}

const LongRangePlan &cheapest(const std::vector<LongRangePlan> &plans)
{
  return *std::min_element(plans.begin(), plans.end(),
                           [](const auto &a, const auto &b) { return a.cost < b.cost; });
}

} // namespace pair_les
