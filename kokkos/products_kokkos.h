// SPDX-License-Identifier: GPL-2.0-only
// torch.ops.pair_les.products and its adjoint on a device: one thread for each channel of each
// atom.

#ifndef PAIR_LES_KOKKOS_PRODUCTS_KOKKOS_H
#define PAIR_LES_KOKKOS_PRODUCTS_KOKKOS_H

#include "formulas_kokkos.h"

#include "core/fused/fused_kernels.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

template <int L, class Real, class Space>
void products(const Space &space, const pair_les::Products<Real> &table, const Real *const mixed,
              Real *const result)
{
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>>;
  constexpr int P = pair_les::device::n_lm_of(L), MOST = pair_les::device::MAX_PRODUCTS;
  const pair_les::Products<Real> in = table;
  const std::int64_t n_channels = in.n_channels, n = in.n_atoms * n_channels;
  const int n_products = 1 + L + (in.body_order - 3);
  Kokkos::parallel_for(
      "pair_les::products", Range(space, 0, n), KOKKOS_LAMBDA(const std::int64_t ic) {
        Real f[P], x[MOST];
        for (int lm = 0; lm < P; lm++) f[lm] = mixed[lm * n + ic];
        pair_les::device::invariants_of<L, NumberOps<Real>>(in, f, x);
        const std::int64_t i = ic / n_channels, c = ic % n_channels;
        for (int p = 0; p < n_products; p++) result[(i * n_products + p) * n_channels + c] = x[p];
      });
}

template <int L, class Real, class Space>
void products_adjoint(const Space &space, const pair_les::Products<Real> &table,
                      const Real *const mixed, const Real *const adjoint, Real *const result)
{
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>>;
  constexpr int P = pair_les::device::n_lm_of(L), MOST = pair_les::device::MAX_PRODUCTS;
  const pair_les::Products<Real> in = table;
  const std::int64_t n_channels = in.n_channels, n = in.n_atoms * n_channels;
  const int n_products = 1 + L + (in.body_order - 3);
  Kokkos::parallel_for(
      "pair_les::products_backward", Range(space, 0, n), KOKKOS_LAMBDA(const std::int64_t ic) {
        Real f[P], a[MOST] = {}, g[P];
        const std::int64_t i = ic / n_channels, c = ic % n_channels;
        for (int lm = 0; lm < P; lm++) f[lm] = mixed[lm * n + ic];
        for (int p = 0; p < n_products; p++) a[p] = adjoint[(i * n_products + p) * n_channels + c];
        pair_les::device::invariants_adjoint<L, NumberOps<Real>>(in, f, a, g);
        for (int lm = 0; lm < P; lm++) result[lm * n + ic] = g[lm];
      });
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
