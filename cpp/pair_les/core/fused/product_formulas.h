// SPDX-License-Identifier: MIT
// The invariants of net/products.py of one channel and their adjoint: formulas on Ops::T, as in edge_basis.h.

#ifndef PAIR_LES_CORE_FUSED_PRODUCT_FORMULAS_H
#define PAIR_LES_CORE_FUSED_PRODUCT_FORMULAS_H

// Points of the quadrature that adjoints look at together. Many: first all from f, then all to its adjoint, so that only one
// of the two is in registers. One where a thread has no room.
#ifndef PAIR_LES_POINTS_TOGETHER
#define PAIR_LES_POINTS_TOGETHER 32
#endif

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

// The cubic and the quartic function of u that are averaged over the sphere.
template <class Ops>
PAIR_LES_FUNCTION typename Ops::T cubic_at_point(const typename Ops::T &e, const typename Ops::T &o)
{
  return e * (e * e + (o * o) * typename Ops::Real(3));
}
template <class Ops>
PAIR_LES_FUNCTION typename Ops::T quartic_at_point(const typename Ops::T &e,
                                                   const typename Ops::T &o1)
{
  const auto ee = e * e, oo = o1 * o1, sum = ee + oo;
  return sum * sum + (ee * oo) * typename Ops::Real(4);
}

template <class Ops>
PAIR_LES_FUNCTION typename Ops::T times_constant(const typename Ops::T &x, const typename Ops::V &c)
{
  if constexpr (Ops::dual)
    return {x.value * c, x.tangent * c};
  else
    return x * c;
}

// Adjoints of e, o1 and o (of o without o1) at one point from those of both averages, times its weight.
template <class Ops> struct PointAdjoint {
  using T = typename Ops::T;
  using V = typename Ops::V;
  using Real = typename Ops::Real;
  T e, o1, o;

  PAIR_LES_FUNCTION void set(const T &at_e, const T &at_o1, const T &at_o, const V &cubic,
                             bool with_quartic, const V &quartic, Real weight)
  {
    const T ee = at_e * at_e;
    const V c = cubic * Real(Real(3) * weight);
    e = times_constant<Ops>(ee + at_o * at_o, c);
    o = times_constant<Ops>(at_e * at_o, c * Real(2));
    o1 = o;
    if (!with_quartic) return;
    // d/de ((e^2 + o^2)^2 + 4 e^2 o^2) = 4 e (e^2 + 3 o^2), and the same with e and o exchanged
    const T oo = at_o1 * at_o1;
    const V q = quartic * Real(Real(4) * weight);
    e += times_constant<Ops>(at_e * (ee + oo * Real(3)), q);
    o1 += times_constant<Ops>(at_o1 * (oo + ee * Real(3)), q);
  }
};

template <int L> inline constexpr int n_even_of = L >= 2 ? 6 : 1;
template <int L> inline constexpr int n_odd_of = L >= 3 ? 10 : 3;

// result_lm += sum_g Y_lm(g) times what point(g, even, odd, e, o1, o) sets at each point g
template <int L, class T, class Real, class Point>
PAIR_LES_FUNCTION void over_points(const Products<Real> &products, T *result, const Point &point)
{
  constexpr int most = PAIR_LES_POINTS_TOGETHER, n_even = n_even_of<L>, n_odd = n_odd_of<L>;
  T e[most], o1[most], o[most];
  for (int first = 0; first < products.n_points; first += most) {
    const int left = products.n_points - first, n = left < most ? left : most;
    const Real *even = products.even + first * n_even, *odd = products.odd + first * n_odd;
    for (int g = 0; g < n; ++g)
      point(first + g, even + g * n_even, odd + g * n_odd, e[g], o1[g], o[g]);
    for (int g = 0; g < n; ++g, even += n_even, odd += n_odd) {
      result[0] += e[g] * even[0];
      for (int m = 0; m < 3; ++m) result[1 + m] += o1[g] * odd[m];
      if constexpr (L >= 2)
        for (int m = 0; m < 5; ++m) result[4 + m] += e[g] * even[1 + m];
      if constexpr (L >= 3)
        for (int m = 0; m < 7; ++m) result[9 + m] += o[g] * odd[3 + m];
    }
  }
}

// Invariants of up to two factors.
template <int L, class Ops>
PAIR_LES_FUNCTION void squares_of(const typename Ops::T *f, typename Ops::T *result)
{
  using Real = typename Ops::Real;
  result[0] = f[0];
  for (int l = 1; l <= L; ++l) {
    typename Ops::T sum = Ops::zero();
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) sum += f[lm] * f[lm];
    result[l] = sum * Real(Real(1) / (2 * l + 1));
  }
}

template <int L, class Ops>
PAIR_LES_FUNCTION void invariants_of(const Products<typename Ops::Real> &products,
                                     const typename Ops::T *f, typename Ops::T *result)
{
  using T = typename Ops::T;
  squares_of<L, Ops>(f, result);
  if (products.body_order < 4) return;
  T cubic = Ops::zero(), quartic = Ops::zero();
  for (int g = 0; g < products.n_points; ++g) {
    T e, o1, o;
    at_point<L, Ops>(f, products.even + g * n_even_of<L>, products.odd + g * n_odd_of<L>, e, o1, o);
    cubic += cubic_at_point<Ops>(e, o) * products.weights[g];
    if (products.body_order >= 5) quartic += quartic_at_point<Ops>(e, o1) * products.weights[g];
  }
  result[L + 1] = cubic;
  if (products.body_order >= 5) result[L + 2] = quartic;
}

// Adjoint of f from the adjoints a of the invariants.
template <int L, class Ops>
PAIR_LES_FUNCTION void invariants_adjoint(const Products<typename Ops::Real> &products,
                                          const typename Ops::T *f, const typename Ops::V *a,
                                          typename Ops::T *result)
{
  using T = typename Ops::T;
  using Real = typename Ops::Real;
  result[0] = a[0];
  for (int l = 1; l <= L; ++l)
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm)
      result[lm] = f[lm] * (a[l] * Real(Real(2) / (2 * l + 1)));
  if (products.body_order < 4) return;
  over_points<L>(
      products, result, [&](int g, const Real *even, const Real *odd, T &e, T &o1, T &o) {
        T at_e, at_o1, at_o;
        at_point<L, Ops>(f, even, odd, at_e, at_o1, at_o);
        PointAdjoint<Ops> d;
        d.set(at_e, at_o1, at_o, a[L + 1], products.body_order >= 5, a[L + 2], products.weights[g]);
        e = d.e;
        o1 = d.o1;
        o = d.o;
      });
}

// Tangents of the invariants, and of what invariants_adjoint() gives at constant a, by one pass over the points. Ops::T is dual.
template <int L, class Ops>
PAIR_LES_FUNCTION void invariants_tangents(const Products<typename Ops::Real> &products,
                                           const typename Ops::T *f, const typename Ops::V *a,
                                           typename Ops::V *of_invariants,
                                           typename Ops::V *of_adjoint)
{
  using T = typename Ops::T;
  using V = typename Ops::V;
  using Real = typename Ops::Real;
  T squares[L + 1];
  squares_of<L, Ops>(f, squares);
  for (int l = 0; l <= L; ++l) of_invariants[l] = squares[l].tangent;
  of_adjoint[0] = V{};
  for (int l = 1; l <= L; ++l)
    for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm)
      of_adjoint[lm] = f[lm].tangent * (a[l] * Real(Real(2) / (2 * l + 1)));
  if (products.body_order < 4) return;
  V cubic{}, quartic{};
  const bool with_quartic = products.body_order >= 5;
  over_points<L>(products, of_adjoint,
                 [&](int g, const Real *even, const Real *odd, V &e, V &o1, V &o) {
                   const Real weight = products.weights[g];
                   T at_e, at_o1, at_o;
                   at_point<L, Ops>(f, even, odd, at_e, at_o1, at_o);
                   cubic += cubic_at_point<Ops>(at_e, at_o).tangent * weight;
                   if (with_quartic) quartic += quartic_at_point<Ops>(at_e, at_o1).tangent * weight;
                   PointAdjoint<Ops> d;
                   d.set(at_e, at_o1, at_o, a[L + 1], with_quartic, a[L + 2], weight);
                   e = d.e.tangent;
                   o1 = d.o1.tangent;
                   o = d.o.tangent;
                 });
  of_invariants[L + 1] = cubic;
  if (with_quartic) of_invariants[L + 2] = quartic;
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
