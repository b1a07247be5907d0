// SPDX-License-Identifier: MIT
// Dual numbers of lanes, and the operations on numbers that formulas are written for.

#ifndef PAIR_LES_CORE_FUSED_DUAL_H
#define PAIR_LES_CORE_FUSED_DUAL_H

#include "edge_basis.h"

#include "core/simd/lanes.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// Value and derivative along one direction. Every formula written for a template argument T is a value with T = lanes and
// a value with its directional derivative with T = Dual.
template <class V> struct Dual {
  V value, tangent;
};

template <class V> inline Dual<V> operator+(const Dual<V> &a, const Dual<V> &b)
{
  return {a.value + b.value, a.tangent + b.tangent};
}
template <class V> inline Dual<V> operator-(const Dual<V> &a, const Dual<V> &b)
{
  return {a.value - b.value, a.tangent - b.tangent};
}
template <class V> inline Dual<V> operator*(const Dual<V> &a, const Dual<V> &b)
{
  return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
}
template <class V, class Real> inline Dual<V> operator*(const Dual<V> &a, Real b)
{
  return {a.value * b, a.tangent * b};
}
template <class V> inline void operator+=(Dual<V> &a, const Dual<V> &b)
{
  a.value += b.value;
  a.tangent += b.tangent;
}

// The operations that the formulas need beyond + - *, for lanes and for dual numbers.
template <class Real_> struct ValueOps {
  using Real = Real_;
  using V = Lanes<Real>;
  using T = V;
  static constexpr bool dual = false;

  static T zero() { return V{}; }
  static T constant(Real x) { return broadcast(x); }
  static T reciprocal(const T &x) { return Real(1) / x; }
  static T root(const T &x) { return square_root_lanes<Real>(x); }
  static T at_most(const T &x, Real limit) { return x < broadcast(limit) ? x : broadcast(limit); }
  static T positive_part(const T &x) { return x > V{} ? x : V{}; }
  static void sine_cosine(const T &x, T &sine, T &cosine)
  {
    sine_cosine_of_pi<Real>(x, sine, cosine);
  }
  static const V &value(const T &x) { return x; }
};

template <class Real_> struct DualOps {
  using Real = Real_;
  using V = Lanes<Real>;
  using T = Dual<V>;
  static constexpr bool dual = true;

  static T zero() { return {V{}, V{}}; }
  static T constant(Real x) { return {broadcast(x), V{}}; }
  static T reciprocal(const T &x)
  {
    const V inverse = Real(1) / x.value;
    return {inverse, -inverse * inverse * x.tangent};
  }
  static T root(const T &x)
  {
    const V root = square_root_lanes<Real>(x.value);
    return {root, x.tangent * (Real(0.5) / root)};
  }
  static T at_most(const T &x, Real limit)
  {
    const auto below = x.value < broadcast(limit);
    return {below ? x.value : broadcast(limit), below ? x.tangent : V{}};
  }
  static T positive_part(const T &x)
  {
    const auto positive = x.value > V{};
    return {positive ? x.value : V{}, positive ? x.tangent : V{}};
  }
  static void sine_cosine(const T &x, T &sine, T &cosine)
  {
    sine_cosine_of_pi<Real>(x.value, sine.value, cosine.value);
    const V slope = x.tangent * Real(3.14159265358979323846);
    sine.tangent = cosine.value * slope;
    cosine.tangent = -(sine.value * slope);
  }
  static const V &value(const T &x) { return x.value; }
};

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
