// SPDX-License-Identifier: MIT
// Radial functions from a table: values and three derivatives at equidistant knots, between which polynomials of degree seven
// agree with them. The derivative in the distance is that of the polynomials, so that forces belong to the energy.

#ifndef PAIR_LES_CORE_FUSED_RADIAL_TABLE_H
#define PAIR_LES_CORE_FUSED_RADIAL_TABLE_H

#include "fused_kernels.h"

#include "core/simd/lanes.h"

#if !defined(PAIR_LES_INSTRUCTION_SET)
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name"
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// Hermite polynomials of degree seven that belong to the left knot, divided by the factorial of their derivative, and their
// slopes: b_d(t) = t^d / d! s^4 P_d(t), s = 1 - t. Those of the right knot are (-1)^d b_d(s).
template <class V, class Real> inline void hermite_polynomials(const V &t, V *values, V *slopes)
{
  const V s = Real(1) - t, t2 = t * t, t3 = t2 * t, s3 = s * s * s, s4 = s3 * s;
  values[0] = s4 * (Real(1) + Real(4) * t + Real(10) * t2 + Real(20) * t3);
  values[1] = t * s4 * (Real(1) + Real(4) * t + Real(10) * t2);
  values[2] = Real(1.0 / 2) * t2 * s4 * (Real(1) + Real(4) * t);
  values[3] = Real(1.0 / 6) * t3 * s4;
  slopes[0] = Real(-140) * t3 * s3;
  slopes[1] = s3 * (Real(1) + Real(3) * t + Real(6) * t2 - Real(70) * t3);
  slopes[2] = s3 * (t + Real(3) * t2 - Real(14) * t3);
  slopes[3] = s3 * (Real(1.0 / 2) * t2 - Real(7.0 / 6) * t3);
}

// Where some edges meet the table: knot to the left, weights of the eight rows from there on, and their derivatives in the
// distance. Knot k is at the distance (k + 1) cutoff / n_knots. At and beyond the cutoff all weights are 0.
template <class Real> struct TablePlaces {
  alignas(64) Real weight[TABLE_ROWS][MOST_EDGES], slope[TABLE_ROWS][MOST_EDGES];
  int knot[MOST_EDGES];

  void fill(int e, const Lanes<Real> &distance, int n_knots, Real cutoff)
  {
    using V = Lanes<Real>;
    const Real per_length = Real(n_knots) / cutoff;
    const V place = distance * per_length;
    V left, inside;
    for (int k = 0; k < width_of<Real>; ++k) {
      const bool within = place[k] < Real(n_knots);
      const int last = n_knots - 2, found = within ? static_cast<int>(place[k]) - 1 : last;
      knot[e + k] = found < 0 ? 0 : found > last ? last : found;
      left[k] = Real(knot[e + k] + 1);
      inside[k] = within ? 1 : 0;
    }
    const V t = inside * (place - left);
    V values[4], slopes[4], right_values[4], right_slopes[4];
    hermite_polynomials<V, Real>(t, values, slopes);
    hermite_polynomials<V, Real>(Real(1) - t, right_values, right_slopes);
    for (int d = 0; d < 4; ++d) {
      const Real sign = d % 2 ? -1 : 1;
      store(&weight[d][e], inside * values[d]);
      store(&slope[d][e], inside * slopes[d] * per_length);
      store(&weight[4 + d][e], inside * right_values[d] * sign);
      store(&slope[4 + d][e], inside * right_slopes[d] * (-sign * per_length));
    }
  }
};

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
