// SPDX-License-Identifier: MIT
// The sums over messages of convert/fused/convolution.py and their adjoint, one center at a time: edges on lanes for what depends
// on the edge alone, channels on lanes for everything else.

#ifndef PAIR_LES_CORE_FUSED_CONVOLUTION_KERNELS_H
#define PAIR_LES_CORE_FUSED_CONVOLUTION_KERNELS_H

#include "density_kernels.h"
#include "radial_table.h"

#include <type_traits>

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// run(functions sent, functions received) of a path, as constants
template <class Run> inline void with_path(std::int64_t sent, std::int64_t received, const Run &run)
{
  const auto with_received = [&](auto n_sent) {
    if (received == 0) return run(n_sent, std::integral_constant<int, 1>());
    if (received == 1) return run(n_sent, std::integral_constant<int, 3>());
    if (received == 2) return run(n_sent, std::integral_constant<int, 5>());
    run(n_sent, std::integral_constant<int, 7>());
  };
  if (sent == 0) return with_received(std::integral_constant<int, 1>());
  if (sent == 1) return with_received(std::integral_constant<int, 3>());
  if (sent == 2) return with_received(std::integral_constant<int, 5>());
  with_received(std::integral_constant<int, 7>());
}

// What depends on the edges alone, for some of the edges of one center.
template <int L, class Real> struct ConvolutionBlock {
  using Ops = ValueOps<Real>;
  using V = Lanes<Real>;
  static constexpr int width = width_of<Real>, n_lm = n_lm_of(L);

  const ConvolutionEdges<Real> &edges;
  Real *const entries; // [MOST_EDGES, n_entries]
  std::int64_t first = 0;
  int n = 0;
  TablePlaces<Real> places;
  alignas(64) Real direction[4][MOST_EDGES]; // unit vector and inverse distance

  ConvolutionBlock(const ConvolutionEdges<Real> &edges_, Real *entries_) :
      edges(edges_), entries(entries_)
  {}

  void fill(std::int64_t begin, int n_edges)
  {
    first = begin;
    n = n_edges;
    for (int e = 0; e < n; e += width) {
      Block<Real> block;
      while (block.n < width && e + block.n < n) block.take(edges.vectors, begin + e + block.n);
      block.pad(edges.cutoff);
      const V x = load(block.x), y = load(block.y), z = load(block.z);
      const V distance = square_root_lanes<Real>(x * x + y * y + z * z);
      const V inverse = Real(1) / distance;
      places.fill(e, distance, edges.n_knots, edges.cutoff);
      store(&direction[0][e], x * inverse);
      store(&direction[1][e], y * inverse);
      store(&direction[2][e], z * inverse);
      store(&direction[3][e], inverse);
      V m[n_lm];
      monomials<L, Ops>(x * inverse, y * inverse, z * inverse, m);
      for (int entry = 0; entry < edges.n_entries; ++entry) {
        V total{};
        for (int p = 0; p < n_lm; ++p) {
          const Real c = edges.couplings[entry * n_lm + p];
          if (c != 0) total += m[p] * c;
        }
        for (int k = 0; k < width; ++k) entries[(e + k) * edges.n_entries + entry] = total[k];
      }
    }
  }

  // the eight rows of an edge's table, n_paths * n_channels numbers each
  const Real *rows(int e) const
  {
    const auto table = edges.table_of_edge ? edges.table_of_edge[first + e] : 0;
    const auto knot = table * edges.n_knots + places.knot[e];
    return edges.table + knot * (TABLE_ROWS / 2) * edges.n_paths * edges.n_channels;
  }
};

// sum_q weights[q][e] rows[q], of one channel vector
template <class Real>
inline Lanes<Real> from_table(const Real (&weights)[TABLE_ROWS][MOST_EDGES], int e,
                              const Real *rows, std::int64_t stride)
{
  Lanes<Real> total = weights[0][e] * load(rows);
  for (int q = 1; q < TABLE_ROWS; ++q) total += weights[q][e] * load(rows + q * stride);
  return total;
}

// action(block) for the edges of one center, some at a time.
template <int L, class Real, class Action>
inline void over_blocks(ConvolutionBlock<L, Real> &block, std::int64_t center, const Action &action)
{
  const std::int64_t end = block.edges.first[center + 1];
  for (std::int64_t e = block.edges.first[center]; e < end; e += MOST_EDGES) {
    block.fill(e, static_cast<int>(end - e < MOST_EDGES ? end - e : MOST_EDGES));
    action();
  }
}

template <int L, class Real>
void convolve(const ConvolutionEdges<Real> &edges, std::int64_t begin, std::int64_t end,
              Real *scratch, Real *result)
{
  using V = Lanes<Real>;
  constexpr int width = width_of<Real>;
  const std::int64_t C = edges.n_channels, stride = edges.n_paths * C;
  Real *const sums = scratch; // [n_rows, n_channels]
  ConvolutionBlock<L, Real> block(edges, scratch + edges.n_rows * C);

  for (std::int64_t i = begin; i < end; ++i) {
    for (std::int64_t k = 0; k < edges.n_rows * C; ++k) sums[k] = 0;
    over_blocks(block, i, [&] {
      for (int e = 0; e < block.n; ++e) {
        const Real *const table = block.rows(e);
        const Real *entry = block.entries + e * edges.n_entries;
        const Real *const sent =
            edges.messages + edges.neighbor[block.first + e] * edges.n_sent * C;
        Real *row = sums;
        for (int p = 0; p < edges.n_paths; ++p) {
          const auto degree = edges.degrees[2 * p];
          with_path(degree, edges.degrees[2 * p + 1], [&](auto n_sent, auto n_received) {
            constexpr int S = decltype(n_sent)::value, R = decltype(n_received)::value;
            const Real *const h = sent + degree * degree * C;
            for (std::int64_t c = 0; c < C; c += width) {
              const V weight = from_table(block.places.weight, e, table + p * C + c, stride);
              V g[S];
              for (int m = 0; m < S; ++m) g[m] = weight * load(h + m * C + c);
              for (int r = 0; r < R; ++r) {
                V total = load(row + r * C + c);
                for (int m = 0; m < S; ++m) total += entry[r * S + m] * g[m];
                store(row + r * C + c, total);
              }
            }
            entry += R * S;
            row += R * C;
          });
        }
      }
    });
    for (int r = 0; r < edges.n_rows; ++r)
      for (std::int64_t c = 0; c < C; c += width)
        store(result + (r * edges.n_local + i) * C + c, load(sums + r * C + c));
  }
}

template <int L, class Real>
void convolve_back(const ConvolutionEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                   Real *scratch, const Real *adjoint, Real *of_vectors, Real *of_messages)
{
  using V = Lanes<Real>;
  using Ops = ValueOps<Real>;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L);
  const std::int64_t C = edges.n_channels, stride = edges.n_paths * C;
  Real *const of_sums = scratch;                       // [n_rows, n_channels]
  Real *const of_entries = scratch + edges.n_rows * C; // [n_entries, MOST_EDGES]
  ConvolutionBlock<L, Real> block(edges, of_entries + edges.n_entries * MOST_EDGES);
  alignas(64) Real of_distance[MOST_EDGES] = {};

  for (std::int64_t k = 0; k < edges.n_entries * MOST_EDGES; ++k) of_entries[k] = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    for (int r = 0; r < edges.n_rows; ++r)
      for (std::int64_t c = 0; c < C; c += width)
        store(of_sums + r * C + c, load(adjoint + (r * edges.n_local + i) * C + c));
    over_blocks(block, i, [&] {
      for (int e = 0; e < block.n; ++e) {
        const Real *const table = block.rows(e);
        const Real *entry = block.entries + e * edges.n_entries;
        const auto sender = edges.neighbor[block.first + e] * edges.n_sent * C;
        const Real *row = of_sums;
        Real *of_entry = of_entries + e;
        V along{};
        for (int p = 0; p < edges.n_paths; ++p) {
          const auto degree = edges.degrees[2 * p];
          with_path(degree, edges.degrees[2 * p + 1], [&](auto n_sent, auto n_received) {
            constexpr int S = decltype(n_sent)::value, R = decltype(n_received)::value;
            const auto h = sender + degree * degree * C;
            V totals[R][S] = {};
            for (std::int64_t c = 0; c < C; c += width) {
              const Real *const rows = table + p * C + c;
              const V weight = from_table(block.places.weight, e, rows, stride);
              const V slope = from_table(block.places.slope, e, rows, stride);
              V g[R], of_weight{};
              for (int r = 0; r < R; ++r) g[r] = load(row + r * C + c);
              for (int m = 0; m < S; ++m) {
                const V message = load(edges.messages + h + m * C + c), weighted = weight * message;
                V q{};
                for (int r = 0; r < R; ++r) {
                  q += entry[r * S + m] * g[r];
                  totals[r][m] += g[r] * weighted;
                }
                of_weight += q * message;
                if (!of_messages) continue;
                Real *const target = of_messages + h + m * C + c;
                store(target, load(target) + weight * q);
              }
              along += slope * of_weight;
            }
            for (int r = 0; r < R; ++r)
              for (int m = 0; m < S; ++m)
                of_entry[(r * S + m) * MOST_EDGES] = sum_of_lanes<Real, width>(totals[r][m]);
            entry += R * S;
            of_entry += R * S * MOST_EDGES;
            row += R * C;
          });
        }
        of_distance[e] = sum_of_lanes<Real, width>(along);
      }
      for (int e = 0; e < block.n; e += width) {
        const V x = load(&block.direction[0][e]), y = load(&block.direction[1][e]),
                z = load(&block.direction[2][e]), inverse = load(&block.direction[3][e]);
        V m[n_lm], t[n_lm] = {}, gx, gy, gz;
        monomials<L, Ops>(x, y, z, m);
        for (int k = 0; k < edges.n_entries; ++k)
          for (int p = 0; p < n_lm; ++p) {
            const Real factor = edges.couplings[k * n_lm + p];
            if (factor != 0) t[p] += load(of_entries + k * MOST_EDGES + e) * factor;
          }
        monomial_gradient<L, Ops>(m, t, gx, gy, gz);
        // only the part of the angular gradient across the edge counts: m is a function of the unit vector
        const V rest = load(&of_distance[e]) - (x * gx + y * gy + z * gz) * inverse;
        gx = x * rest + gx * inverse;
        gy = y * rest + gy * inverse;
        gz = z * rest + gz * inverse;
        for (int k = 0; k < width && e + k < block.n; ++k) {
          Real *const target = of_vectors + 3 * (block.first + e + k);
          target[0] = gx[k];
          target[1] = gy[k];
          target[2] = gz[k];
        }
      }
    });
  }
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
