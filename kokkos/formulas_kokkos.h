// SPDX-License-Identifier: GPL-2.0-only
// The formulas of the fused operators (core/fused/) and of the pair sum of split mode
// (core/split_formulas.h) on single numbers, for the threads of a device.

#ifndef PAIR_LES_KOKKOS_FORMULAS_KOKKOS_H
#define PAIR_LES_KOKKOS_FORMULAS_KOKKOS_H

#include <Kokkos_Core.hpp>

// the namespace of these instances, apart from those of the core
#define PAIR_LES_INSTRUCTION_SET device
#define PAIR_LES_FUNCTION KOKKOS_INLINE_FUNCTION
#define PAIR_LES_POINTS_TOGETHER 1
#include "core/fused/edge_basis.h"
#include "core/fused/product_formulas.h"
#include "core/split_formulas.h"

namespace LAMMPS_NS {
namespace les_kokkos {

// What DualOps and ValueOps of core/fused/dual.h are for lanes.
template <class Real_> struct NumberOps {
  using Real = Real_;
  using V = Real;
  using T = Real;
  static constexpr bool dual = false;

  KOKKOS_INLINE_FUNCTION static T zero() { return Real(0); }
  KOKKOS_INLINE_FUNCTION static T constant(Real x) { return x; }
  KOKKOS_INLINE_FUNCTION static T reciprocal(T x) { return Real(1) / x; }
  KOKKOS_INLINE_FUNCTION static T root(T x) { return Kokkos::sqrt(x); }
  KOKKOS_INLINE_FUNCTION static T at_most(T x, Real limit) { return x < limit ? x : limit; }
  KOKKOS_INLINE_FUNCTION static T positive_part(T x) { return x > Real(0) ? x : Real(0); }
  KOKKOS_INLINE_FUNCTION static void sine_cosine(T x, T &sine, T &cosine)
  {
    pair_les::device::sine_cosine_of_pi<Real>(x, sine, cosine);
  }
};

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
