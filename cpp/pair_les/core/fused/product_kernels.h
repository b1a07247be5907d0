// SPDX-License-Identifier: MIT
// The invariants of net/products.py, their adjoint, and the derivative of the adjoint, on lanes of channels.

#ifndef PAIR_LES_CORE_FUSED_PRODUCT_KERNELS_H
#define PAIR_LES_CORE_FUSED_PRODUCT_KERNELS_H

#include "dual.h"
#include "product_formulas.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// Calls action(atom, channel, lanes in use) for every group of channels.
template <class Real, class Action>
inline void for_each_group(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                           const Action &action)
{
  constexpr int width = width_of<Real>;
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t c = 0; c < products.n_channels; c += width) {
      const std::int64_t left = products.n_channels - c;
      action(i, c, static_cast<int>(left < width ? left : width));
    }
}

template <int L, class Real> struct ProductAccess {
  const Products<Real> &products;

  Lanes<Real> mixed(const Real *from, int lm, std::int64_t i, std::int64_t c, int n) const
  {
    return load_part(from + (lm * products.n_atoms + i) * products.n_channels + c, n);
  }
  void put_mixed(Real *to, int lm, std::int64_t i, std::int64_t c, int n,
                 const Lanes<Real> &value) const
  {
    store_part(to + (lm * products.n_atoms + i) * products.n_channels + c, value, n);
  }
  int n_products() const { return 1 + L + (products.body_order - 3); }
  std::int64_t invariant(int p, std::int64_t i, std::int64_t c) const
  {
    return (i * n_products() + p) * products.n_channels + c;
  }
};

template <int L, class Real>
void products_value(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                    const Real *mixed, Real *invariants)
{
  const ProductAccess<L, Real> at{products};
  for_each_group(products, begin, end, [&](std::int64_t i, std::int64_t c, int n) {
    Lanes<Real> f[n_lm_of(L)], x[MAX_PRODUCTS] = {};
    for (int lm = 0; lm < n_lm_of(L); ++lm) f[lm] = at.mixed(mixed, lm, i, c, n);
    invariants_of<L, ValueOps<Real>>(products, f, x);
    for (int p = 0; p < at.n_products(); ++p)
      store_part(invariants + at.invariant(p, i, c), x[p], n);
  });
}

template <int L, class Real>
void products_adjoint(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                      const Real *mixed, const Real *adjoint, Real *mixed_adjoint)
{
  const ProductAccess<L, Real> at{products};
  for_each_group(products, begin, end, [&](std::int64_t i, std::int64_t c, int n) {
    Lanes<Real> f[n_lm_of(L)], result[n_lm_of(L)], a[MAX_PRODUCTS] = {};
    for (int lm = 0; lm < n_lm_of(L); ++lm) f[lm] = at.mixed(mixed, lm, i, c, n);
    for (int p = 0; p < at.n_products(); ++p) a[p] = load_part(adjoint + at.invariant(p, i, c), n);
    invariants_adjoint<L, ValueOps<Real>>(products, f, a, result);
    for (int lm = 0; lm < n_lm_of(L); ++lm) at.put_mixed(mixed_adjoint, lm, i, c, n, result[lm]);
  });
}

template <int L, class Real>
void products_tangents(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                       const Real *mixed, const Real *adjoint, const Real *direction,
                       Real *invariants_tangent, Real *mixed_tangent)
{
  using V = Lanes<Real>;
  const ProductAccess<L, Real> at{products};
  for_each_group(products, begin, end, [&](std::int64_t i, std::int64_t c, int n) {
    Dual<V> f[n_lm_of(L)];
    V a[MAX_PRODUCTS] = {}, x[MAX_PRODUCTS], result[n_lm_of(L)];
    for (int lm = 0; lm < n_lm_of(L); ++lm)
      f[lm] = {at.mixed(mixed, lm, i, c, n), at.mixed(direction, lm, i, c, n)};
    for (int p = 0; p < at.n_products(); ++p) a[p] = load_part(adjoint + at.invariant(p, i, c), n);
    invariants_tangents<L, DualOps<Real>>(products, f, a, x, result);
    for (int p = 0; p < at.n_products(); ++p)
      store_part(invariants_tangent + at.invariant(p, i, c), x[p], n);
    for (int lm = 0; lm < n_lm_of(L); ++lm) at.put_mixed(mixed_tangent, lm, i, c, n, result[lm]);
  });
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
