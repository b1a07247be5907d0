// SPDX-License-Identifier: MIT
// The invariants of net/products.py of one channel and their adjoint: formulas on Ops::T, as in edge_basis.h.

#ifndef PAIR_LES_CORE_FUSED_PRODUCT_FORMULAS_H
#define PAIR_LES_CORE_FUSED_PRODUCT_FORMULAS_H

#include "edge_basis.h"
#include "fused_kernels.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// u = e + o at one point of the quadrature, with o = o1 + o3 by degree.
template <int L, class Ops>
PAIR_LES_FUNCTION void at_point(const typename Ops::T *f, const typename Ops::Real *even,
                                const typename Ops::Real *odd, typename Ops::T &e,
                                typename Ops::T &o1, typename Ops::T &o)
{
  e = f[0] * even[0];
  o1 = f[1] * odd[0];
  o1 += f[2] * odd[1];
  o1 += f[3] * odd[2];
  if constexpr (L >= 2)
    for (int n = 0; n < 5; ++n) e += f[4 + n] * even[1 + n];
  o = o1;
  if constexpr (L >= 3)
    for (int n = 0; n < 7; ++n) o += f[9 + n] * odd[3 + n];
}

inline constexpr int MAX_PRODUCTS = 1 + MAX_L + 2;

template <int L, class Ops>
PAIR_LES_FUNCTION void invariants_of(const Products<typename Ops::Real> &products,
                                     const typename Ops::T *f, typename Ops::T *result)
{
  using T = typename Ops::T;
  using Real = typename Ops::Real;
  result[0] = f[0];
  for (int l = 1; l <= L; ++l) {
    T sum = Ops::zero();
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) sum += f[lm] * f[lm];
    result[l] = sum * Real(Real(1) / (2 * l + 1));
  }
  if (products.body_order < 4) return;
  constexpr int n_even = L >= 2 ? 6 : 1, n_odd = L >= 3 ? 10 : 3;
  T cubic = Ops::zero(), quartic = Ops::zero();
  for (int g = 0; g < products.n_points; ++g) {
    T e, o1, o;
    at_point<L, Ops>(f, products.even + g * n_even, products.odd + g * n_odd, e, o1, o);
    const T ee = e * e;
    cubic += (e * (ee + (o * o) * Real(3))) * products.weights[g];
    if (products.body_order >= 5) {
      const T oo = o1 * o1, sum = ee + oo;
      quartic += (sum * sum + (ee * oo) * Real(4)) * products.weights[g];
    }
  }
  result[L + 1] = cubic;
  if (products.body_order >= 5) result[L + 2] = quartic;
}

// Adjoint of f from the adjoints a of the invariants, which are constants here.
template <int L, class Ops>
PAIR_LES_FUNCTION void invariants_adjoint(const Products<typename Ops::Real> &products,
                                          const typename Ops::T *f, const typename Ops::V *a,
                                          typename Ops::T *result)
{
  using T = typename Ops::T;
  using Real = typename Ops::Real;
  const auto times = [](const T &x, const typename Ops::V &c) {
    if constexpr (Ops::dual)
      return T{x.value * c, x.tangent * c};
    else
      return x * c;
  };
  if constexpr (Ops::dual)
    result[0] = {a[0], typename Ops::V{}};
  else
    result[0] = a[0];
  for (int l = 1; l <= L; ++l)
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm)
      result[lm] = times(f[lm], a[l] * Real(Real(2) / (2 * l + 1)));
  if (products.body_order < 4) return;
  constexpr int n_even = L >= 2 ? 6 : 1, n_odd = L >= 3 ? 10 : 3;
  const bool with_quartic = products.body_order >= 5;
  for (int g = 0; g < products.n_points; ++g) {
    const Real *even = products.even + g * n_even, *odd = products.odd + g * n_odd;
    T e, o1, o;
    at_point<L, Ops>(f, even, odd, e, o1, o);
    const T ee = e * e;
    const auto cubic = a[L + 1] * Real(Real(3) * products.weights[g]);
    T de = times(ee + o * o, cubic), d_o = times(e * o, cubic * Real(2)), do1 = d_o;
    if (with_quartic) {
      // d/de ((e^2 + o^2)^2 + 4 e^2 o^2) = 4 e (e^2 + 3 o^2), and the same with e and o exchanged
      const T oo = o1 * o1;
      const auto quartic = a[L + 2] * Real(Real(4) * products.weights[g]);
      de += times(e * (ee + oo * Real(3)), quartic);
      do1 += times(o1 * (oo + ee * Real(3)), quartic);
    }
    result[0] += de * even[0];
    for (int n = 0; n < 3; ++n) result[1 + n] += do1 * odd[n];
    if constexpr (L >= 2)
      for (int n = 0; n < 5; ++n) result[4 + n] += de * even[1 + n];
    if constexpr (L >= 3)
      for (int n = 0; n < 7; ++n) result[9 + n] += d_o * odd[3 + n];
  }
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
