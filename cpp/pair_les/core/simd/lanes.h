// SPDX-License-Identifier: MIT
// Vectors of numbers. Included by kernels only, once per instruction set (CMakeLists.txt) and each time in a namespace of its
// own, so that no function compiled for one processor can be linked into code for another. For the same reason nothing of
// the standard library is used here.

#ifndef PAIR_LES_CORE_SIMD_LANES_H
#define PAIR_LES_CORE_SIMD_LANES_H

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

// Exchanges the lanes of a whose number has the bit STEP for those of b whose number lacks it.
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

template <class Real, int N> struct VectorOf {
  typedef Real type __attribute__((vector_size(N * sizeof(Real))));
};
// Sum of all N lanes.
template <class Real, int N> inline Real sum_of_lanes(const typename VectorOf<Real, N>::type &x)
{
  if constexpr (N == 2) return x[0] + x[1];
  if constexpr (N == 4) return (x[0] + x[1]) + (x[2] + x[3]);
  if constexpr (N > 4) {
    typename VectorOf<Real, N / 2>::type low, high;
    __builtin_memcpy(&low, &x, sizeof(low));
    __builtin_memcpy(&high, reinterpret_cast<const char *>(&x) + sizeof(low), sizeof(high));
    return sum_of_lanes<Real, N / 2>(low + high);
  }
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

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
