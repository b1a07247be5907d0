// SPDX-License-Identifier: MIT
// What the product operators take besides the mixed density, checked.

#ifndef PAIR_LES_CORE_FUSED_QUADRATURE_H
#define PAIR_LES_CORE_FUSED_QUADRATURE_H

#include "fused_kernels.h"

#include <ATen/ATen.h>

namespace pair_les {

struct Quadrature {
  at::Tensor even, odd, weights;
  std::int64_t body_order;

  void check(const at::Tensor &mixed)
  {
    TORCH_CHECK(mixed.dim() == 3 && l_max(mixed) > 0,
                "products: the mixed density must be [4, 9 or 16, n_atoms, n_channels], not ",
                mixed.sizes());
    TORCH_CHECK(body_order >= 3 && body_order <= 5, "products: body_order = ", body_order,
                ": must be 3, 4 or 5");
    const int l = l_max(mixed);
    TORCH_CHECK(even.dim() == 2 && even.size(1) == (l >= 2 ? 6 : 1) && odd.dim() == 2 &&
                    odd.size(1) == (l >= 3 ? 10 : 3) && odd.size(0) == even.size(0) &&
                    weights.numel() == even.size(0),
                "products: the quadrature does not belong to l_max = ", l);
    for (const at::Tensor &table : {even, odd, weights})
      TORCH_CHECK(table.scalar_type() == mixed.scalar_type(), "products: the quadrature is ",
                  table.scalar_type(), " but the mixed density is ", mixed.scalar_type());
    even = even.contiguous();
    odd = odd.contiguous();
    weights = weights.contiguous();
  }

  static int l_max(const at::Tensor &mixed)
  {
    // the other sizes may be symbols of an export
    const auto n = mixed.sym_size(0).guard_int(__FILE__, __LINE__);
    return n == 4 ? 1 : n == 9 ? 2 : n == 16 ? 3 : 0;
  }

  std::int64_t n_products(const at::Tensor &mixed) const
  {
    return 1 + l_max(mixed) + body_order - 3;
  }

  template <class Real> Products<Real> of(const at::Tensor &mixed) const
  {
    return {even.const_data_ptr<Real>(),
            odd.const_data_ptr<Real>(),
            weights.const_data_ptr<Real>(),
            static_cast<int>(even.size(0)),
            l_max(mixed),
            static_cast<int>(body_order),
            mixed.size(1),
            mixed.size(2)};
  }
};

} // namespace pair_les

#endif
