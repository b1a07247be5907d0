// SPDX-License-Identifier: MIT
// The sums over messages of net/messages.py, their adjoint, and the derivatives of both along a direction: edges on lanes for
// what depends on the edge alone, channels on lanes for everything else.

#ifndef PAIR_LES_CORE_FUSED_MESSAGE_KERNELS_H
#define PAIR_LES_CORE_FUSED_MESSAGE_KERNELS_H

#include "density_kernels.h"

#include <type_traits>

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// A table of numbers of edges, with their tangents where numbers are dual.
template <class Ops, int ROWS> struct EdgeTable {
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  alignas(64) Real value[ROWS][MOST_EDGES];
  alignas(64) Real tangent[Ops::dual ? ROWS : 1][MOST_EDGES];

  void put(int row, int e, const T &lanes)
  {
    store(&value[row][e], Ops::value(lanes));
    if constexpr (Ops::dual) store(&tangent[row][e], lanes.tangent);
  }
  T get(int row, int e) const
  {
    if constexpr (Ops::dual)
      return {load(&value[row][e]), load(&tangent[row][e])};
    else
      return load(&value[row][e]);
  }
  // x times the number of one edge
  T times(const T &x, int row, int e) const
  {
    if constexpr (Ops::dual)
      return {x.value * value[row][e], x.tangent * value[row][e] + x.value * tangent[row][e]};
    else
      return x * value[row][e];
  }
  T times(const typename Ops::V &x, int row, int e) const requires(Ops::dual)
  {
    return {x * value[row][e], x * tangent[row][e]};
  }
};

// A constant times a number.
template <class Ops>
inline typename Ops::T scaled(const typename Ops::V &constant, const typename Ops::T &x)
{
  if constexpr (Ops::dual)
    return {constant * x.value, constant * x.tangent};
  else
    return constant * x;
}

template <class Ops>
inline typename Ops::T load_number(const typename Ops::Real *from,
                                   const typename Ops::Real *direction, std::int64_t at)
{
  if constexpr (Ops::dual)
    return {load(from + at), load(direction + at)};
  else
    return load(from + at);
}

// The part that the caller asks for: the value, or the derivative along the direction.
template <class Ops> inline const typename Ops::V &wanted(const typename Ops::T &x)
{
  if constexpr (Ops::dual)
    return x.tangent;
  else
    return x;
}

template <class Real> inline void add(Real *to, const Lanes<Real> &x)
{
  store(to, load(to) + x);
}

// What depends on the edges alone, for some of the edges of one center.
template <int L, class Ops> struct EdgeBasis {
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  static constexpr int width = width_of<Real>, n_lm = n_lm_of(L);

  std::int64_t first = 0;
  int n = 0;
  EdgeTable<Ops, n_lm> harmonic;
  EdgeTable<Ops, MAX_RADIAL> radial, slope;
  EdgeTable<Ops, 4> direction; // unit vector and inverse distance

  void fill(const MessageEdges<Real> &edges, const Real *vector_direction, std::int64_t begin,
            int n_edges, bool with_slopes)
  {
    first = begin;
    n = n_edges;
    for (int e = 0; e < n; e += width) {
      Block<Real> block;
      while (block.n < width && e + block.n < n) block.take(edges.vectors, begin + e + block.n);
      block.pad(edges.cutoff);
      T x, y, z, m[n_lm];
      block_vectors<Ops>(block, vector_direction, x, y, z);
      RadialPart<Ops> part;
      part.set(x, y, z, edges.cutoff);
      if (with_slopes)
        part.each_value_and_slope(edges.n_radial, [&](int k, const T &value, const T &derivative) {
          radial.put(k, e, value);
          slope.put(k, e, derivative);
        });
      else
        part.each_value(edges.n_radial, [&](int k, const T &value) { radial.put(k, e, value); });
      monomials<L, Ops>(part.x, part.y, part.z, m);
      for (int lm = 0; lm < n_lm; ++lm) {
        T total = Ops::zero();
        for (int p = 0; p < n_lm; ++p) {
          const Real c = edges.harmonics[lm * n_lm + p];
          if (c != 0) total += m[p] * c;
        }
        harmonic.put(lm, e, total);
      }
      direction.put(0, e, part.x);
      direction.put(1, e, part.y);
      direction.put(2, e, part.z);
      direction.put(3, e, part.inverse_distance);
    }
  }
};

// action(basis) for the edges of one center, some at a time.
template <int L, class Ops, class Action>
inline void over_edges(const MessageEdges<typename Ops::Real> &edges,
                       const typename Ops::Real *vector_direction, std::int64_t center,
                       bool with_slopes, EdgeBasis<L, Ops> &basis, const Action &action)
{
  const std::int64_t end = edges.first[center + 1];
  for (std::int64_t e = edges.first[center]; e < end; e += MOST_EDGES) {
    const auto n = static_cast<int>(end - e < MOST_EDGES ? end - e : MOST_EDGES);
    basis.fill(edges, vector_direction, e, n, with_slopes);
    action(basis);
  }
}

// sums[m] += sum_e factor(e) number(first + m, e) for the 2 l + 1 functions of a degree
template <int N, class T, class Term>
inline void add_degree(T *sums, int first, int n_edges, const Term &term)
{
  T total[N];
  for (int m = 0; m < N; ++m) total[m] = sums[first + m];
  for (int e = 0; e < n_edges; ++e)
    for (int m = 0; m < N; ++m) total[m] += term(first + m, e);
  for (int m = 0; m < N; ++m) sums[first + m] = total[m];
}

// term(degree, lm, e) for all degrees
template <int L, class T, class Term>
inline void add_degrees(T *sums, int n_edges, const Term &term)
{
  const auto of = [&term](auto l) {
    return [&term, l](int lm, int e) { return term(decltype(l)::value, lm, e); };
  };
  add_degree<1>(sums, 0, n_edges, of(std::integral_constant<int, 0>()));
  if constexpr (L >= 1) add_degree<3>(sums, 1, n_edges, of(std::integral_constant<int, 1>()));
  if constexpr (L >= 2) add_degree<5>(sums, 4, n_edges, of(std::integral_constant<int, 2>()));
  if constexpr (L >= 3) add_degree<7>(sums, 9, n_edges, of(std::integral_constant<int, 3>()));
}

// sum_k B_k W_kl of one edge, for all l and for messages as they are
template <int L, class Ops, class Table>
inline void radial_weights(const MessageEdges<typename Ops::Real> &edges,
                           const MessageDirection<typename Ops::Real> &along, const Table &table,
                           int e, std::int64_t c, typename Ops::T *result)
{
  for (int l = 0; l < L + 2; ++l) result[l] = Ops::zero();
  for (int k = 0; k < edges.n_radial; ++k)
    for (int l = 0; l < L + 2; ++l)
      result[l] += table.times(
          load_number<Ops>(edges.weights, along.weights, (k * (L + 2) + l) * edges.n_channels + c),
          k, e);
}

// The sums (Ops = ValueOps), or their tangents (DualOps).
template <int L, int SENT, class Ops>
void receive(const MessageEdges<typename Ops::Real> &edges, std::int64_t begin, std::int64_t end,
             const MessageDirection<typename Ops::Real> &along, typename Ops::Real *result)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L), n_sent = n_lm_of(SENT);
  const int C = edges.n_channels;
  EdgeBasis<L, Ops> basis;
  T weighted[MOST_EDGES][L + 2];

  for (std::int64_t i = begin; i < end; ++i) {
    for (int lm = 0; lm < n_lm; ++lm)
      for (int c = 0; c < 2 * C; ++c) result[(lm * edges.n_local + i) * 2 * C + c] = 0;
    over_edges<L, Ops>(edges, along.vectors, i, false, basis, [&](const EdgeBasis<L, Ops> &b) {
      for (int c = 0; c < C; c += width) {
        const auto message = [&](int lm, int e) {
          const auto at = edges.neighbor[b.first + e] * n_sent + lm;
          return load_number<Ops>(edges.messages, along.messages, at * C + c);
        };
        for (int e = 0; e < b.n; ++e) {
          T towards = Ops::zero();
          for (int lm = 0; lm < n_sent; ++lm) towards += b.harmonic.times(message(lm, e), lm, e);
          radial_weights<L, Ops>(edges, along, b.radial, e, c, weighted[e]);
          for (int l = 0; l <= L; ++l) weighted[e][l] = weighted[e][l] * towards;
        }
        T sums[n_lm], as_is[n_lm];
        for (int lm = 0; lm < n_lm; ++lm) sums[lm] = as_is[lm] = Ops::zero();
        add_degrees<L>(sums, b.n, [&](int l, int lm, int e) {
          return b.harmonic.times(weighted[e][l], lm, e);
        });
        add_degrees<SENT>(as_is, b.n,
                          [&](int, int lm, int e) { return weighted[e][L + 1] * message(lm, e); });
        for (int lm = 0; lm < n_lm; ++lm) {
          Real *const row = result + (lm * edges.n_local + i) * 2 * C + c;
          add(row, wanted<Ops>(sums[lm]));
          if (lm < n_sent) add(row + C, wanted<Ops>(as_is[lm]));
        }
      }
    });
  }
}

// Adjoints of edge vectors, messages and weights (Ops = ValueOps), or their tangents at constant `adjoint` (DualOps).
template <int L, int SENT, class Ops>
void send_back(const MessageEdges<typename Ops::Real> &edges, std::int64_t begin, std::int64_t end,
               const MessageDirection<typename Ops::Real> &along, const typename Ops::Real *adjoint,
               const MessageAdjoint<typename Ops::Real> &result)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  using V = typename Ops::V;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L), n_sent = n_lm_of(SENT);
  const int C = edges.n_channels;
  EdgeBasis<L, Ops> basis;
  EdgeTable<Ops, n_lm + 1> of_edge; // adjoints of the harmonics, then of the distance

  const auto add_sum = [&of_edge](int row, int e, const T &x) {
    of_edge.value[row][e] += sum_of_lanes<Real, width>(Ops::value(x));
    if constexpr (Ops::dual) of_edge.tangent[row][e] += sum_of_lanes<Real, width>(x.tangent);
  };

  for (std::int64_t i = begin; i < end; ++i)
    over_edges<L, Ops>(edges, along.vectors, i, true, basis, [&](const EdgeBasis<L, Ops> &b) {
      for (int row = 0; row <= n_lm; ++row)
        for (int e = 0; e < MOST_EDGES; e += width) of_edge.put(row, e, Ops::zero());
      for (int c = 0; c < C; c += width) {
        V g[n_lm], g_as_is[n_lm];
        for (int lm = 0; lm < n_lm; ++lm) {
          const Real *const row = adjoint + (lm * edges.n_local + i) * 2 * C + c;
          g[lm] = load(row);
          g_as_is[lm] = load(row + C);
        }
        for (int e = 0; e < b.n; ++e) {
          const auto sender = edges.neighbor[b.first + e] * n_sent;
          T h[n_lm], towards = Ops::zero(), of_as_is = Ops::zero();
          for (int lm = 0; lm < n_sent; ++lm) {
            h[lm] = load_number<Ops>(edges.messages, along.messages, (sender + lm) * C + c);
            towards += b.harmonic.times(h[lm], lm, e);
            of_as_is += scaled<Ops>(g_as_is[lm], h[lm]);
          }
          T weight[L + 2], derivative[L + 2], of_weight[L + 2];
          radial_weights<L, Ops>(edges, along, b.radial, e, c, weight);
          radial_weights<L, Ops>(edges, along, b.slope, e, c, derivative);

          T of_towards = Ops::zero();
          for (int l = 0; l <= L; ++l) {
            T p = Ops::zero();
            for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) p += b.harmonic.times(g[lm], lm, e);
            of_towards += weight[l] * p;
            of_weight[l] = towards * p;
          }
          of_weight[L + 1] = of_as_is;

          T of_distance = derivative[L + 1] * of_as_is;
          for (int l = 0; l <= L; ++l) of_distance += derivative[l] * of_weight[l];
          add_sum(n_lm, e, of_distance);
          for (int l = 0; l <= L; ++l) {
            const T both = weight[l] * towards;
            for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) {
              T of_harmonic = scaled<Ops>(g[lm], both);
              if (lm < n_sent) of_harmonic += h[lm] * of_towards;
              add_sum(lm, e, of_harmonic);
            }
          }
          for (int lm = 0; lm < n_sent; ++lm) {
            T of_message = b.harmonic.times(of_towards, lm, e);
            of_message += scaled<Ops>(g_as_is[lm], weight[L + 1]);
            add(result.messages + (sender + lm) * C + c, wanted<Ops>(of_message));
          }
          if (!result.weights) continue;
          for (int k = 0; k < edges.n_radial; ++k)
            for (int l = 0; l < L + 2; ++l)
              add(result.weights + (k * (L + 2) + l) * C + c,
                  wanted<Ops>(b.radial.times(of_weight[l], k, e)));
        }
      }
      for (int e = 0; e < b.n; e += width) {
        const T x = b.direction.get(0, e), y = b.direction.get(1, e), z = b.direction.get(2, e);
        const T inverse = b.direction.get(3, e);
        T m[n_lm], t[n_lm], gx, gy, gz;
        monomials<L, Ops>(x, y, z, m);
        for (int p = 0; p < n_lm; ++p) {
          t[p] = Ops::zero();
          for (int lm = 0; lm < n_lm; ++lm) {
            const Real factor = edges.harmonics[lm * n_lm + p];
            if (factor != 0) t[p] += of_edge.get(lm, e) * factor;
          }
        }
        monomial_gradient<L, Ops>(m, t, gx, gy, gz);
        // only the part of the angular gradient across the edge counts: m is a function of the unit vector
        const T rest = of_edge.get(n_lm, e) - (x * gx + y * gy + z * gz) * inverse;
        gx = x * rest + gx * inverse;
        gy = y * rest + gy * inverse;
        gz = z * rest + gz * inverse;
        for (int k = 0; k < width && e + k < b.n; ++k) {
          Real *const target = result.vectors + 3 * (b.first + e + k);
          target[0] = wanted<Ops>(gx)[k];
          target[1] = wanted<Ops>(gy)[k];
          target[2] = wanted<Ops>(gz)[k];
        }
      }
    });
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
