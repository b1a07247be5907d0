// SPDX-License-Identifier: MIT
// Which real-space cutoff makes a split long-range sum cheapest: a shorter one needs a finer mesh, a longer one more pairs.

#ifndef PAIR_LES_CORE_CUTOFF_CHOICE_H
#define PAIR_LES_CORE_CUTOFF_CHOICE_H

#include <vector>

namespace pair_les {

struct LongRangeTask {
  double accuracy;      // rms force error asked for, eV/angstrom
  double charge_square; // k_e sum q^2, eV angstrom
  double n_atoms;
  double volume;     // of the repeated cell, angstrom^3
  double sigma;      // angstrom, of the latent Gaussians
  double net_cutoff; // angstrom: neighbours closer than this are there anyway
  double skin;       // angstrom, of the neighbour list
  double subdomain;  // angstrom, edge of a process's share of the box
  int order;         // of the mesh
  bool analytic_differentiation;
};

struct CutoffChoice {
  double cutoff;  // angstrom; 0: matched mode, no pair sum
  double g_ewald; // 1/angstrom, as the solver will choose it
  double points;  // of the mesh, per atom
  double
      cost; // us per atom and step of the mesh and of everything that the cutoff adds, on one core of 2024
};

// g_ewald at which pairs beyond the cutoff are worth the accuracy; the formula of LAMMPS's ewald and pppm
double g_ewald_for_cutoff(double cutoff, const LongRangeTask &task);

// Matched mode and cutoffs from 4 angstrom to 12 in steps of 1/2, in this order. Nothing is timed: the same input gives the same
// choice on every machine and process. The costs behind it are estimates.
std::vector<CutoffChoice> cutoff_choices(const LongRangeTask &task);

CutoffChoice cheapest_cutoff(const LongRangeTask &task);

} // namespace pair_les

#endif
