// SPDX-License-Identifier: MIT
// How to sum the long-range energy of a box at least cost: splitting parameter, mesh and, in split mode, cutoff. A shorter
// cutoff needs a finer mesh, a longer one more pairs; a higher order costs more per charge and needs fewer mesh points.

#ifndef PAIR_LES_CORE_LONG_RANGE_PLAN_H
#define PAIR_LES_CORE_LONG_RANGE_PLAN_H

#include <array>
#include <vector>

namespace pair_les {

// Of the error asked for, what the pairs beyond the cutoff may cause; the mesh has the rest, as squares add up. A smaller
// share costs little, because that error falls exponentially with g_ewald.
constexpr double SHARE_OF_CUTOFF = 0.5;

struct LongRangeTask {
  double accuracy;      // rms force error asked for, eV/angstrom
  double charge_square; // k_e sum q^2, eV angstrom
  double n_atoms;
  std::array<double, 3> edges; // of the repeated cell, angstrom; their angles are not looked at
  double sigma;                // angstrom, of the latent Gaussians
  double net_cutoff;           // angstrom: neighbors closer than this are there anyway
  double skin;                 // angstrom, of the neighbor list
  int processes;
  int order; // of the mesh; 0: to be chosen
  bool analytic_differentiation;
  double mesh_scale =
      1.0; // how many times the errors of charges at random positions those of the charges at
  double cutoff_scale = 1.0; // hand are
  double most_points = 0.0;  // of a mesh that is finer because of mesh_scale; 0: any number

  double volume() const { return edges[0] * edges[1] * edges[2]; }
};

struct LongRangePlan {
  double cutoff;  // angstrom; 0: matched mode, no pair sum
  double g_ewald; // 1/angstrom
  int order;
  std::array<int, 3> points; // of the mesh; their only prime factors are 2, 3 and 5
  double
      cost; // us per atom and step of the mesh and of everything that the cutoff adds, one core of 2026
};

// g_ewald at which the forces of pairs beyond the cutoff are worth half of the accuracy, or 0 if no long range is needed; by the
// formula of LAMMPS's ewald and pppm.
double g_ewald_for_cutoff(double cutoff, const LongRangeTask &task);

// The cheapest order, and the coarsest mesh of that order with the accuracy asked for or, where that has more than `most_points`,
// the finest that has not.
LongRangePlan plan_mesh(double cutoff, double g_ewald, const LongRangeTask &task);

// Length of the longest reciprocal vector, 1/angstrom, at which LAMMPS's ewald has the accuracy asked for, by its own formula.
double largest_wave_vector(double g_ewald, const LongRangeTask &task);

// Matched mode and cutoffs from 4 angstrom to 12 in steps of 1/2, in this order. Nothing is timed: the same input gives the
// same plans on every machine and process. The costs behind them are estimates.
std::vector<LongRangePlan> long_range_plans(const LongRangeTask &task);

const LongRangePlan &cheapest(const std::vector<LongRangePlan> &plans);

} // namespace pair_les

#endif
