// SPDX-License-Identifier: GPL-2.0-only
// torch.ops.pair_les.density and its adjoint on a device: a team of threads for each center,
// nothing shared between centers, so that nothing is added atomically. What
// core/fused/density_kernels.h is for a CPU.

#ifndef PAIR_LES_KOKKOS_DENSITY_KOKKOS_H
#define PAIR_LES_KOKKOS_DENSITY_KOKKOS_H

#include "formulas_kokkos.h"

#include "core/fused/fused_kernels.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

// first[i] = number of edges whose center is below i
template <class Space>
void first_edges(const Space &space, const std::int64_t *const center, const std::int64_t n_edges,
                 const std::int64_t n_local, std::int64_t *const first)
{
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(
      "pair_les::first_edges", Range(space, 0, n_edges + 1), KOKKOS_LAMBDA(const std::int64_t e) {
        const std::int64_t from = e == 0 ? 0 : center[e - 1] + 1;
        const std::int64_t to = e == n_edges ? n_local : center[e];
        for (std::int64_t i = from; i <= to; i++) first[i] = e;
      });
}

template <class Space> constexpr bool on_host()
{
  return Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Space::memory_space>::accessible;
}

// Threads of one team: one on a CPU, where teams share a core's cache anyway.
template <class Space> constexpr int threads_of_team()
{
  return on_host<Space>() ? 1 : 128;
}

// One team per center, each with `elements` of Real and `integers` of int: in the fast memory of
// the team where they fit.
template <class Real, class Space>
Kokkos::TeamPolicy<Space> teams(const Space &space, const std::int64_t n_local,
                                const std::int64_t elements, const std::int64_t integers,
                                int &level)
{
  // views of scratch memory begin at multiples of 8 bytes
  const int bytes = static_cast<int>(elements * sizeof(Real) + integers * sizeof(int) + 64);
  level = bytes <= Kokkos::TeamPolicy<Space>::scratch_size_max(0) ? 0 : 1;
  Kokkos::TeamPolicy<Space> policy(space, static_cast<int>(n_local), threads_of_team<Space>());
  return policy.set_scratch_size(level, Kokkos::PerTeam(bytes));
}

template <class T, class Space>
using TeamArray = Kokkos::View<T *, typename Space::scratch_memory_space,
                               Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

// A[lm, i, s K + k] = sum_p T[lm, p] sum_j B_k(r_ij) m_p(r_ij / |r_ij|) over the neighbors j of
// species s. The edges come in tiles: first each thread makes the basis of one edge, then each adds
// up some (k, p) of the tile.
template <int L, class Real, class Space>
void density(const Space &space, const pair_les::DensityEdges<Real> &edges, Real *const result)
{
  using Array = TeamArray<Real, Space>;
  using Ints = TeamArray<int, Space>;
  constexpr int P = pair_les::device::n_lm_of(L), TILE = 32;
  const int K = edges.n_radial, SK = edges.n_species * K;
  int level;
  const auto policy =
      teams<Real>(space, edges.n_local, (SK + TILE) * P + std::int64_t(TILE) * K, TILE, level);
  const pair_les::DensityEdges<Real> in = edges;
  Kokkos::parallel_for(
      "pair_les::density", policy,
      KOKKOS_LAMBDA(const typename Kokkos::TeamPolicy<Space>::member_type &team) {
        const std::int64_t i = team.league_rank();
        const Array sums(team.team_scratch(level), SK * P); // [S K, P]
        const Array radial(team.team_scratch(level), TILE * K),
            angular(team.team_scratch(level), TILE * P);
        const Ints species(team.team_scratch(level), TILE);
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, SK * P),
                             [&](const int n) { sums(n) = 0; });
        team.team_barrier();

        for (std::int64_t begin = in.first[i]; begin < in.first[i + 1]; begin += TILE) {
          const std::int64_t left = in.first[i + 1] - begin;
          const int n_tile = left < TILE ? static_cast<int>(left) : TILE;
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_tile), [&](const int e) {
            const Real *const r = in.vectors + 3 * (begin + e);
            pair_les::device::RadialPart<NumberOps<Real>> part;
            part.set(r[0], r[1], r[2], in.cutoff);
            part.each_value(K, [&](const int k, const Real value) { radial(e * K + k) = value; });
            Real m[P];
            pair_les::device::monomials<L, NumberOps<Real>>(part.x, part.y, part.z, m);
            for (int p = 0; p < P; p++) angular(e * P + p) = m[p];
            species(e) = static_cast<int>(in.species[begin + e]);
          });
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, K * P), [&](const int kp) {
            const int k = kp / P, p = kp % P;
            int present = species(0);
            Real sum = 0;
            for (int e = 0; e < n_tile; e++) {
              if (species(e) != present) {
                sums((present * K + k) * P + p) += sum;
                present = species(e);
                sum = 0;
              }
              sum += radial(e * K + k) * angular(e * P + p);
            }
            sums((present * K + k) * P + p) += sum;
          });
          team.team_barrier();
        }

        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, P * SK), [&](const int n) {
          const int lm = n / SK, sk = n % SK;
          Real total = 0;
          for (int p = 0; p < P; p++) total += in.harmonics[lm * P + p] * sums(sk * P + p);
          result[(lm * in.n_local + i) * SK + sk] = total;
        });
      });
}

// Adjoint of the edge vectors from that of the density: each thread has edges of its own.
template <int L, class Real, class Space>
void density_adjoint(const Space &space, const pair_les::DensityEdges<Real> &edges,
                     const Real *const adjoint, Real *const result)
{
  using Array = TeamArray<Real, Space>;
  constexpr int P = pair_les::device::n_lm_of(L);
  const int K = edges.n_radial, SK = edges.n_species * K;
  int level;
  const auto policy = teams<Real>(space, edges.n_local, std::int64_t(SK) * P, 0, level);
  const pair_les::DensityEdges<Real> in = edges;
  Kokkos::parallel_for(
      "pair_les::density_backward", policy,
      KOKKOS_LAMBDA(const typename Kokkos::TeamPolicy<Space>::member_type &team) {
        const std::int64_t i = team.league_rank();
        const Array of_sums(team.team_scratch(level),
                            SK * P); // [S K, P]: adjoint of the sums over monomials
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, SK), [&](const int sk) {
          Real from[P];
          for (int lm = 0; lm < P; lm++) from[lm] = adjoint[(lm * in.n_local + i) * SK + sk];
          for (int p = 0; p < P; p++) {
            Real total = 0;
            for (int lm = 0; lm < P; lm++) total += in.harmonics[lm * P + p] * from[lm];
            of_sums(sk * P + p) = total;
          }
        });
        team.team_barrier();

        const std::int64_t begin = in.first[i];
        const int n_edges = static_cast<int>(in.first[i + 1] - begin);
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_edges), [&](const int e) {
          const Real *const r = in.vectors + 3 * (begin + e);
          pair_les::device::RadialPart<NumberOps<Real>> part;
          part.set(r[0], r[1], r[2], in.cutoff);
          Real m[P], t[P], along = 0;
          pair_les::device::monomials<L, NumberOps<Real>>(part.x, part.y, part.z, m);
          for (int p = 0; p < P; p++) t[p] = 0;
          const int first_of_species = static_cast<int>(in.species[begin + e]) * K * P;
          part.each_value_and_slope(K, [&](const int k, const Real value, const Real slope) {
            Real g_m = 0;
            for (int p = 0; p < P; p++) {
              const Real g = of_sums(first_of_species + k * P + p);
              t[p] += value * g;
              g_m += g * m[p];
            }
            along += slope * g_m;
          });
          Real gx, gy, gz;
          pair_les::device::monomial_gradient<L, NumberOps<Real>>(m, t, gx, gy, gz);
          // only the part of the angular gradient across the edge counts: m is a function of the
          // unit vector
          const Real inverse = part.inverse_distance;
          along -= (part.x * gx + part.y * gy + part.z * gz) * inverse;
          Real *const to = result + 3 * (begin + e);
          to[0] = part.x * along + gx * inverse;
          to[1] = part.y * along + gy * inverse;
          to[2] = part.z * along + gz * inverse;
        });
      });
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
