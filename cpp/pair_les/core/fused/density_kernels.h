// SPDX-License-Identifier: MIT
// A[lm, i, s k] = sum_j B_k(r_ij) Y_lm(r_ij / |r_ij|) over neighbors j of species s, its adjoint, and the derivative of
// the adjoint, one center at a time: nothing with edges x radial x angular elements exists anywhere.

#ifndef PAIR_LES_CORE_FUSED_DENSITY_KERNELS_H
#define PAIR_LES_CORE_FUSED_DENSITY_KERNELS_H

#include "dual.h"
#include "fused_kernels.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <class Real> inline constexpr int padded(int n)
{
  return (n + width_of<Real> - 1) / width_of<Real> * width_of<Real>;
}

// Edges of one center to one species, as many at once as there are lanes. Empty lanes hold an edge at the cutoff, where the
// radial functions and their first two derivatives vanish.
template <class Real> struct Block {
  static constexpr int width = width_of<Real>;
  Real x[width], y[width], z[width];
  std::int64_t edge[width];
  int n = 0;

  // kept only where it is wanted: what is written is overwritten by the next
  void take(const Real *vectors, std::int64_t e, bool wanted = true)
  {
    x[n] = vectors[3 * e];
    y[n] = vectors[3 * e + 1];
    z[n] = vectors[3 * e + 2];
    edge[n] = e;
    n += wanted;
  }
  void pad(Real cutoff)
  {
    for (int i = n; i < width; ++i) {
      x[i] = cutoff;
      y[i] = z[i] = 0;
    }
  }
};

template <class Real, class Action>
inline void for_each_block(const DensityEdges<Real> &edges, std::int64_t center, int species,
                           const Action &action)
{
  Block<Real> block;
  for (std::int64_t e = edges.first[center]; e < edges.first[center + 1]; ++e) {
    block.take(edges.vectors, e,
               edges.species[e] == species); // no branch: species alternate at random
    if (block.n == block.width) {
      action(block);
      block.n = 0;
    }
  }
  if (block.n) {
    block.pad(edges.cutoff);
    action(block);
  }
}

// Edge vectors of a block, with `direction` as their tangents where T is dual.
template <class Ops>
inline void block_vectors(const Block<typename Ops::Real> &block,
                          const typename Ops::Real *direction, typename Ops::T &x,
                          typename Ops::T &y, typename Ops::T &z)
{
  if constexpr (Ops::dual) {
    typename Ops::Real slope[3][block.width] = {};
    for (int i = 0; i < block.n; ++i)
      for (int d = 0; d < 3; ++d) slope[d][i] = direction[3 * block.edge[i] + d];
    x = {load(block.x), load(slope[0])};
    y = {load(block.y), load(slope[1])};
    z = {load(block.z), load(slope[2])};
  } else {
    x = load(block.x);
    y = load(block.y);
    z = load(block.z);
  }
}

// Radial functions of a block, and their slopes where they are wanted.
template <class Ops> struct RadialFunctions : RadialPart<Ops> {
  using T = typename Ops::T;
  T values[MAX_RADIAL], slopes[MAX_RADIAL];

  void fill(const T &dx, const T &dy, const T &dz, typename Ops::Real cutoff, int n_radial,
            bool with_slopes)
  {
    this->set(dx, dy, dz, cutoff);
    if (with_slopes)
      this->each_value_and_slope(n_radial, [&](int k, const T &value, const T &slope) {
        values[k] = value;
        slopes[k] = slope;
      });
    else
      this->each_value(n_radial, [&](int k, const T &value) { values[k] = value; });
  }
};

// rows[e][p] = m[p][e]
template <class Real, int N, int P, class Number> inline void put_rows(const Number &m, Real *rows)
{
  constexpr int width = width_of<Real>;
  for (int first = 0; first < N; first += width) {
    Lanes<Real> part[width];
    for (int p = 0; p < width; ++p) part[p] = first + p < N ? m(first + p) : Lanes<Real>{};
    transpose<Real>(part);
    for (int e = 0; e < width; ++e) store(rows + e * P + first, part[e]);
  }
}

// sums[k][p] += sum_e radial[k][e] angular[e][p] for N radial functions from the first given
template <class Real, int N, int P>
inline void contract(const Real *radial, const Real *angular, int n_edges, Real *sums)
{
  constexpr int width = width_of<Real>, parts = P / width;
  Lanes<Real> total[N][parts];
  for (int k = 0; k < N; ++k)
    for (int p = 0; p < parts; ++p) total[k][p] = load(sums + k * P + p * width);
  for (int e = 0; e < n_edges; ++e) {
    Lanes<Real> y[parts];
    for (int p = 0; p < parts; ++p) y[p] = load(angular + e * P + p * width);
    for (int k = 0; k < N; ++k)
      for (int p = 0; p < parts; ++p) total[k][p] += radial[k * width + e] * y[p];
  }
  for (int k = 0; k < N; ++k)
    for (int p = 0; p < parts; ++p) store(sums + k * P + p * width, total[k][p]);
}

template <class Real, int P>
inline void contract(int n_radial, const Real *radial, const Real *angular, int n_edges, Real *sums)
{
  // as many sums as stay in registers
  constexpr int step = P / width_of<Real> <= 2 ? 8 : 4;
  constexpr int width = width_of<Real>;
  int k = 0;
  for (; k + step <= n_radial; k += step)
    contract<Real, step, P>(radial + k * width, angular, n_edges, sums + k * P);
  for (; k + 2 <= n_radial; k += 2)
    contract<Real, 2, P>(radial + k * width, angular, n_edges, sums + k * P);
  if (k < n_radial) contract<Real, 1, P>(radial + k * width, angular, n_edges, sums + k * P);
}

// Densities (Ops = ValueOps), or their tangents along `direction` (DualOps).
template <int L, class Ops>
void accumulate(const DensityEdges<typename Ops::Real> &edges, std::int64_t begin, std::int64_t end,
                typename Ops::Real *scratch, const typename Ops::Real *direction,
                typename Ops::Real *density)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L), P = padded<Real>(n_lm);
  const int K = edges.n_radial, SK = edges.n_species * K, row = padded<Real>(SK);
  Real *sums = scratch;             // [S K, P]
  Real *columns = scratch + SK * P; // [n_lm, row]
  for (int n = 0; n < n_lm * row; ++n) columns[n] = 0;

  RadialFunctions<Ops> radial;
  alignas(64) Real radial_values[MAX_RADIAL * width], angular_values[width * P];
  alignas(64) Real radial_tangents[MAX_RADIAL * width], angular_tangents[width * P];

  for (std::int64_t i = begin; i < end; ++i) {
    for (int n = 0; n < SK * P; ++n) sums[n] = 0;
    for (int s = 0; s < edges.n_species; ++s)
      for_each_block(edges, i, s, [&](const Block<Real> &block) {
        T x, y, z, m[n_lm];
        block_vectors<Ops>(block, direction, x, y, z);
        radial.fill(x, y, z, edges.cutoff, K, false);
        monomials<L, Ops>(radial.x, radial.y, radial.z, m);
        for (int k = 0; k < K; ++k) store(radial_values + k * width, Ops::value(radial.values[k]));
        put_rows<Real, n_lm, P>([&](int p) { return Ops::value(m[p]); }, angular_values);
        Real *sums_of_species = sums + s * K * P;
        if constexpr (Ops::dual) {
          for (int k = 0; k < K; ++k) store(radial_tangents + k * width, radial.values[k].tangent);
          put_rows<Real, n_lm, P>([&](int p) { return m[p].tangent; }, angular_tangents);
          contract<Real, P>(K, radial_tangents, angular_values, block.n, sums_of_species);
          contract<Real, P>(K, radial_values, angular_tangents, block.n, sums_of_species);
        } else {
          contract<Real, P>(K, radial_values, angular_values, block.n, sums_of_species);
        }
      });
    for (int n = 0; n < SK; ++n)
      for (int p = 0; p < n_lm; ++p) columns[p * row + n] = sums[n * P + p];
    for (int lm = 0; lm < n_lm; ++lm) {
      Real *target = density + (lm * edges.n_local + i) * SK;
      for (int n = 0; n < SK; n += width) {
        Lanes<Real> total{};
        for (int p = 0; p < n_lm; ++p)
          total += edges.harmonics[lm * n_lm + p] * load(columns + p * row + n);
        store_part(target + n, total, SK - n < width ? SK - n : width);
      }
    }
  }
}

// Adjoints of the edge vectors from `adjoint` of the density (Ops = ValueOps), or their tangents along `direction`.
template <int L, class Ops>
void distribute(const DensityEdges<typename Ops::Real> &edges, std::int64_t begin, std::int64_t end,
                typename Ops::Real *scratch, const typename Ops::Real *adjoint,
                const typename Ops::Real *direction, typename Ops::Real *result)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L);
  const int K = edges.n_radial, SK = edges.n_species * K, row = padded<Real>(SK);
  Real *columns = scratch; // [n_lm, row]: adjoint of the sums over monomials
  RadialFunctions<Ops> radial;

  for (std::int64_t i = begin; i < end; ++i) {
    for (int n = 0; n < SK; n += width) {
      const int part = SK - n < width ? SK - n : width;
      Lanes<Real> from[n_lm];
      for (int lm = 0; lm < n_lm; ++lm)
        from[lm] = load_part(adjoint + (lm * edges.n_local + i) * SK + n, part);
      for (int p = 0; p < n_lm; ++p) {
        Lanes<Real> total{};
        for (int lm = 0; lm < n_lm; ++lm) total += edges.harmonics[lm * n_lm + p] * from[lm];
        store(columns + p * row + n, total);
      }
    }
    for (int s = 0; s < edges.n_species; ++s)
      for_each_block(edges, i, s, [&](const Block<Real> &block) {
        T x, y, z, m[n_lm], t[n_lm];
        block_vectors<Ops>(block, direction, x, y, z);
        radial.fill(x, y, z, edges.cutoff, K, true);
        monomials<L, Ops>(radial.x, radial.y, radial.z, m);
        T along = Ops::zero();
        for (int p = 0; p < n_lm; ++p) {
          const Real *g = columns + p * row + s * K;
          T value = Ops::zero(), slope = Ops::zero();
          for (int k = 0; k < K; ++k) {
            value += radial.values[k] * g[k];
            slope += radial.slopes[k] * g[k];
          }
          t[p] = value;
          along += slope * m[p];
        }
        T gx, gy, gz;
        monomial_gradient<L, Ops>(m, t, gx, gy, gz);
        // only the part of the angular gradient across the edge counts: m is a function of the unit vector
        const T inverse = radial.inverse_distance;
        along = along - (radial.x * gx + radial.y * gy + radial.z * gz) * inverse;
        gx = radial.x * along + gx * inverse;
        gy = radial.y * along + gy * inverse;
        gz = radial.z * along + gz * inverse;
        for (int e = 0; e < block.n; ++e) {
          Real *target = result + 3 * block.edge[e];
          if constexpr (Ops::dual) {
            target[0] = gx.tangent[e];
            target[1] = gy.tangent[e];
            target[2] = gz.tangent[e];
          } else {
            target[0] = gx[e];
            target[1] = gy[e];
            target[2] = gz[e];
          }
        }
      });
  }
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
