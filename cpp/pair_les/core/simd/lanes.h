// SPDX-License-Identifier: MIT
// Several numbers of one type handled at once, and dual numbers of them. Included by the kernels only, once per
// instruction set and each time in a namespace of its own, so that no function compiled for one processor can be
// linked into code for another. For the same reason nothing of the standard library is used here.

#ifndef PAIR_LES_CORE_SIMD_LANES_H
#define PAIR_LES_CORE_SIMD_LANES_H

#include "core/fused/edge_basis.h"

#if !defined(PAIR_LES_INSTRUCTION_SET) || !defined(PAIR_LES_VECTOR_BYTES)
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name -D PAIR_LES_VECTOR_BYTES=n"
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <class Real> struct LanesOf {
  static constexpr int width = PAIR_LES_VECTOR_BYTES / static_cast<int>(sizeof(Real));
  typedef Real type __attribute__((vector_size(PAIR_LES_VECTOR_BYTES)));
};
template <class Real> using Lanes = typename LanesOf<Real>::type;
template <class Real> inline constexpr int width_of = LanesOf<Real>::width;

template <class Real> inline Lanes<Real> broadcast(Real value)
{
  return value - Lanes<Real>{};
}

template <class Real> inline Lanes<Real> load(const Real *from)
{
  Lanes<Real> lanes;
  __builtin_memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

template <class Real> inline void store(Real *to, const Lanes<Real> &lanes)
{
  __builtin_memcpy(to, &lanes, sizeof(lanes));
}

// the first n lanes; zero in the others
template <class Real> inline Lanes<Real> load_part(const Real *from, int n)
{
  if (n == width_of<Real>) return load(from);
  Real buffer[width_of<Real>] = {};
  for (int i = 0; i < n; ++i) buffer[i] = from[i];
  return load(buffer);
}

template <class Real> inline void store_part(Real *to, const Lanes<Real> &lanes, int n)
{
  if (n == width_of<Real>) return store(to, lanes);
  for (int i = 0; i < n; ++i) to[i] = lanes[i];
}

template <int... I> struct Numbers {};
template <int N, int... I> struct NumbersBelow : NumbersBelow<N - 1, N - 1, I...> {};
template <int... I> struct NumbersBelow<0, I...> {
  using type = Numbers<I...>;
};

// a and b with the lanes that have the bit STEP of a exchanged for those that have it not of b
template <int STEP, class V, int... I> inline void exchange(V &a, V &b, Numbers<I...>)
{
  constexpr int n = sizeof...(I);
#if defined(__clang__) || __GNUC__ >= 12
  const V low = __builtin_shufflevector(a, b, (I & STEP ? I - STEP + n : I)...);
  b = __builtin_shufflevector(a, b, (I & STEP ? I + n : I + STEP)...);
#else
  const V low{(I & STEP ? b[I - STEP] : a[I])...};
  b = V{(I & STEP ? b[I] : a[I + STEP])...};
#endif
  a = low;
}

template <class Real, int STEP = 1> inline void transpose(Lanes<Real> *rows)
{
  constexpr int width = width_of<Real>;
  for (int i = 0; i < width; ++i)
    if (!(i & STEP)) exchange<STEP>(rows[i], rows[i + STEP], typename NumbersBelow<width>::type());
  if constexpr (2 * STEP < width) transpose<Real, 2 * STEP>(rows);
}

inline float square_root(float x)
{
  return __builtin_sqrtf(x);
}
inline double square_root(double x)
{
  return __builtin_sqrt(x);
}

template <class Real> inline Lanes<Real> square_root_lanes(const Lanes<Real> &x)
{
  Real buffer[width_of<Real>];
  store(buffer, x);
  for (int i = 0; i < width_of<Real>; ++i) buffer[i] = square_root(buffer[i]);
  return load(buffer);
}

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
