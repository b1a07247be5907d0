// SPDX-License-Identifier: MIT
// Exact potential and field of a periodic system of charges at some of its charges, to measure the error of a solver by.
//
//   phi_i = sum_j q_j erf(g r_ij) / r_ij - pi Q / (g^2 V)      over all charges and images but i itself; field = -grad phi
//
// This is what an Ewald-type solver of LAMMPS with splitting parameter g computes in reciprocal space. It is summed for a
// smaller splitting parameter b over reciprocal vectors, and erf(g r)/r - erf(b r)/r over pairs (Ewald 1921; Kolafa & Perram
// 1992). b is in proportion to V^(-1/3): the number of vectors and the work per charge and point do not depend on the system.
// Units: charges e, lengths angstrom, potentials e/angstrom (without Coulomb constant).

#ifndef PAIR_LES_CORE_SAMPLED_EWALD_H
#define PAIR_LES_CORE_SAMPLED_EWALD_H

#include "long_range.h"

#include <array>
#include <functional>
#include <vector>

namespace pair_les {

using Cell = std::array<std::array<double, 3>, 3>; // rows: lattice vectors, angstrom

class SampledEwald {
 public:
  // `precision`: relative size of the terms left out. Rows of `charges` and `points` below are x, y, z, q.
  SampledEwald(const Cell &cell, double g_ewald, double precision);

  // Share of some charges in S(k) = sum q exp(i k.r), real and imaginary parts in turn; shares add up.
  std::vector<double> structure_factors(const std::vector<double> &charges) const;

  // Adds to `result` [n, 4], potential and field at each point, what S(k) of all charges gives, and the terms of the point's
  // own charge and of the background of `total_charge`.
  void add_reciprocal(const std::vector<double> &points,
                      const std::vector<double> &structure_factors, double total_charge,
                      std::vector<double> &result) const;

  // Adds the share of some charges in the sum over pairs; shares add up.
  void add_pairs(const std::vector<double> &points, const std::vector<double> &charges,
                 std::vector<double> &result) const;

  // Adds the share of some charges in what a pair sum of D(r) (long_range.h) between Gaussians of `sigma` and g leaves out
  // beyond `cutoff`; shares add up.
  void add_beyond_cutoff(const std::vector<double> &points, const std::vector<double> &charges,
                         double sigma, double cutoff, std::vector<double> &result) const;

 private:
  struct Column { // reciprocal vectors n with the same n0 and n1
    int n0, n1, first, last;
  };
  using Phases = std::array<std::vector<double>, 6>; // cosines and sines of multiples, by axis
  using Kernel = std::function<ValueAndDerivative(double r)>;

  std::array<double, 3> fractional(const double *position) const;
  void fill_phases(const double *position, Phases &phases) const;
  std::vector<std::array<double, 3>> images(double reach) const;
  void add_kernel(const std::vector<double> &points, const std::vector<double> &charges,
                  double nearest, double furthest, const Kernel &kernel,
                  std::vector<double> &result) const;

  Cell cell_, reciprocal_; // rows a_i and b_i, a_i . b_j = 2 pi delta_ij
  double volume_, g_ewald_, b_, exponent_;
  std::array<int, 3> limits_; // |n| of each axis
  std::vector<Column> columns_;
  std::vector<double> weights_; // 8 pi / (V k^2) exp(-k^2 / 4 b^2): k and -k
};

} // namespace pair_les

#endif
