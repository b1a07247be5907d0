// SPDX-License-Identifier: MIT

#include "cutoff_choice.h"

#include "constants.h"
#include "long_range.h"
#include "mesh_error.h"

#include <algorithm>
#include <cmath>

namespace pair_les {

namespace {

constexpr double SHORTEST = 4.0, LONGEST = 12.0, STEP = 0.5; // angstrom

// us, one core: estimates, checked roughly against benchmarks/long_range.py; their ratios are what matters
constexpr double PER_MESH_POINT = 0.080;
constexpr double PER_PAIR = 0.0045;
constexpr double PER_LISTED_PAIR = 0.0015; // looked at on each step, nearer than cutoff and skin
constexpr double PER_SEARCHED_PAIR =
    0.0010;                         // neighbour search and lists, with a rebuild every ten steps
constexpr double PER_GHOST = 0.020; // position and charge sent on each step

// The mean squared mesh error of unit charges is g F(h g): F at spacing 1, from a mesh of this many points a side
constexpr int SAMPLE = 16;
constexpr int BISECTIONS = 20;

double scaled_mesh_error(double spacing_times_g, const LongRangeTask &task)
{
  const double k = 2.0 * PI / (SAMPLE * spacing_times_g);
  const double volume = std::pow(SAMPLE * spacing_times_g, 3);
  return mesh_error_integral({{{k, 0, 0}, {0, k, 0}, {0, 0, k}},
                              volume,
                              {SAMPLE, SAMPLE, SAMPLE},
                              task.order,
                              task.analytic_differentiation,
                              1.0},
                             0, 1);
}

// widest mesh spacing times g at which the error is that asked for
double mesh_spacing_times_g(double g_ewald, const LongRangeTask &task)
{
  double low = 0.05, high = 5.0;
  for (int n = 0; n < BISECTIONS; ++n) {
    const double middle = std::sqrt(low * high);
    const double error = mesh_force_error(g_ewald * scaled_mesh_error(middle, task),
                                          task.charge_square, task.n_atoms, task.volume);
    (error > task.accuracy ? high : low) = middle;
  }
  return low;
}

CutoffChoice choice(double cutoff, double g_ewald, const LongRangeTask &task)
{
  const double density = task.n_atoms / task.volume;
  const auto sphere = [density](double radius) {
    return density * 4.0 / 3.0 * PI * std::pow(radius, 3);
  };
  const double spacing = mesh_spacing_times_g(g_ewald, task) / g_ewald;
  const double points = 1.0 / (density * std::pow(spacing, 3));
  double cost = PER_MESH_POINT * points;

  const double reach = std::max(cutoff, task.net_cutoff) + task.skin,
               net = task.net_cutoff + task.skin;
  // a pair with a ghost is done on both sides: a share of 3/8 R per face of the subdomain
  const double across = std::min(1.0, 1.125 * cutoff / task.subdomain);
  cost +=
      (0.5 + 0.5 * across) * (PER_PAIR * sphere(cutoff) +
                              (cutoff > 0.0 ? PER_LISTED_PAIR * sphere(cutoff + task.skin) : 0.0));
  cost += PER_SEARCHED_PAIR * (sphere(reach) - sphere(net));
  const auto shell = [&task](double width) {
    return std::pow(1.0 + 2.0 * width / task.subdomain, 3) - 1.0;
  };
  cost += PER_GHOST * (shell(reach) - shell(net) + (cutoff > 0.0 ? shell(reach) : 0.0));
  return {cutoff, g_ewald, points, cost};
}

} // namespace

double g_ewald_for_cutoff(double cutoff, const LongRangeTask &task)
{
  const double x =
      task.accuracy * std::sqrt(task.n_atoms * cutoff * task.volume) / (2.0 * task.charge_square);
  return x < 1.0 ? std::sqrt(-std::log(x)) / cutoff : 0.0;
}

std::vector<CutoffChoice> cutoff_choices(const LongRangeTask &task)
{
  const double matched = g_ewald_from_sigma(task.sigma);
  std::vector<CutoffChoice> choices{choice(0.0, matched, task)};
  for (double cutoff = SHORTEST; cutoff <= LONGEST; cutoff += STEP) {
    const double g_ewald = g_ewald_for_cutoff(cutoff, task);
    // above the matched one there is nothing to gain; an accuracy that needs no long range leaves no mesh to weigh
    if (g_ewald > 0.0 && g_ewald < matched) choices.push_back(choice(cutoff, g_ewald, task));
  }
  return choices;
}

CutoffChoice cheapest_cutoff(const LongRangeTask &task)
{
  const auto choices = cutoff_choices(task);
  return *std::min_element(choices.begin(), choices.end(),
                           [](const auto &a, const auto &b) { return a.cost < b.cost; });
}

} // namespace pair_les
