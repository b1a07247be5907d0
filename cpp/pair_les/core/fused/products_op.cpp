// SPDX-License-Identifier: MIT
// torch.ops.pair_les.products: the fused invariants as an operator that is differentiable twice. Twin: net/products.py.

#include "device_ops.h"
#include "edge_offsets.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace pair_les {

namespace {

using at::Tensor;
using Two = std::tuple<Tensor, Tensor>; // tangents of the invariants and of the mixed density

int l_max_of(const Tensor &mixed)
{
  // the other sizes may be symbols of an export
  return pair_les::l_max_of(mixed.sym_size(0).guard_int(__FILE__, __LINE__));
}

std::int64_t n_products_of(const Tensor &mixed, std::int64_t body_order)
{
  return 1 + l_max_of(mixed) + body_order - 3;
}

// The arguments that all these operators share, checked.
struct Quadrature {
  Tensor mixed, even, odd, weights;
  std::int64_t body_order;

  Quadrature(const Tensor &mixed_, const Tensor &even_, const Tensor &odd_, const Tensor &weights_,
             std::int64_t body_order_) : body_order(body_order_)
  {
    check_same_device("products", mixed_, {even_, odd_, weights_});
    TORCH_CHECK(mixed_.dim() == 3 && l_max_of(mixed_) > 0,
                "products: the mixed density must be [4, 9 or 16, n_atoms, n_channels], not ",
                mixed_.sizes());
    TORCH_CHECK(body_order >= 3 && body_order <= 5, "products: body_order = ", body_order,
                ": must be 3, 4 or 5");
    const int l = l_max_of(mixed_);
    TORCH_CHECK(even_.dim() == 2 && even_.size(1) == (l >= 2 ? 6 : 1) && odd_.dim() == 2 &&
                    odd_.size(1) == (l >= 3 ? 10 : 3) && odd_.size(0) == even_.size(0) &&
                    weights_.numel() == even_.size(0),
                "products: the quadrature does not belong to l_max = ", l);
    for (const Tensor &table : {even_, odd_, weights_})
      TORCH_CHECK(table.scalar_type() == mixed_.scalar_type(), "products: the quadrature is ",
                  table.scalar_type(), " but the mixed density is ", mixed_.scalar_type());
    mixed = mixed_.contiguous();
    even = even_.contiguous();
    odd = odd_.contiguous();
    weights = weights_.contiguous();
  }

  template <class Real> Products<Real> of() const
  {
    return {even.const_data_ptr<Real>(),
            odd.const_data_ptr<Real>(),
            weights.const_data_ptr<Real>(),
            static_cast<int>(even.size(0)),
            l_max_of(mixed),
            static_cast<int>(body_order),
            mixed.size(1),
            mixed.size(2)};
  }
};

struct ProductsDoubleBackward : NotDifferentiable {
  static constexpr const char *schema =
      "products_double_backward(Tensor direction, Tensor adjoint, Tensor mixed, Tensor even, "
      "Tensor odd, Tensor weights, int body_order) -> (Tensor, Tensor)";

  static Two shapes(const Tensor &, const Tensor &adjoint, const Tensor &mixed, const Tensor &,
                    const Tensor &, const Tensor &, std::int64_t)
  {
    return {at::empty_symint(adjoint.sym_sizes(), adjoint.options()),
            at::empty_symint(mixed.sym_sizes(), mixed.options())};
  }

  template <class... Rest>
  static Two compute(const Tensor &direction, const Tensor &adjoint, const Rest &...rest)
  {
    const Quadrature quadrature(rest...);
    const auto &f = quadrature.mixed;
    const auto g = adjoint.contiguous(), u = direction.contiguous();
    auto invariants_tangent = at::empty_like(g), mixed_tangent = at::empty_like(f);
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products_double_backward", [&] {
      const auto products = quadrature.of<scalar_t>();
      const auto *from = f.const_data_ptr<scalar_t>(), *gp = g.const_data_ptr<scalar_t>(),
                 *up = u.const_data_ptr<scalar_t>();
      auto *to_invariants = invariants_tangent.data_ptr<scalar_t>();
      auto *to_mixed = mixed_tangent.data_ptr<scalar_t>();
      at::parallel_for(0, products.n_atoms, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().products.double_backward(products, begin, end, from, gp, up,
                                                           to_invariants, to_mixed);
      });
    });
    return {invariants_tangent, mixed_tangent};
  }
};

// The adjoint of the mixed density.
struct ProductsBackward {
  static constexpr const char *schema =
      "products_backward(Tensor adjoint, Tensor mixed, Tensor even, Tensor odd, Tensor weights, "
      "int body_order) -> Tensor";

  static Tensor shapes(const Tensor &, const Tensor &mixed, const Tensor &, const Tensor &,
                       const Tensor &, std::int64_t)
  {
    return at::empty_symint(mixed.sym_sizes(), mixed.options());
  }

  template <class... Rest> static Tensor compute(const Tensor &adjoint, const Rest &...rest)
  {
    const Quadrature quadrature(rest...);
    const auto &f = quadrature.mixed;
    check_same_device("products", f, {adjoint});
    const auto g = adjoint.contiguous();
    auto result = at::empty_like(f);
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products_backward", [&] {
      const auto products = quadrature.of<scalar_t>();
      const auto *from = f.const_data_ptr<scalar_t>(), *gp = g.const_data_ptr<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      if (const auto *device = device_kernels(f.device().type()))
        return device->products<scalar_t>().backward(products, from, gp, to, stream_of(f));
      at::parallel_for(0, products.n_atoms, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().products.backward(products, begin, end, from, gp, to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &direction, const Arguments &...arguments)
  {
    return operators::to_list(call<ProductsDoubleBackward>(direction[0], arguments...));
  }
};

struct ProductsForward {
  static constexpr const char *schema =
      "products(Tensor mixed, Tensor even, Tensor odd, Tensor weights, int body_order) -> Tensor";

  static Tensor shapes(const Tensor &mixed, const Tensor &, const Tensor &, const Tensor &,
                       std::int64_t body_order)
  {
    return at::empty_symint(
        {mixed.sym_size(1), mixed.sym_size(2) * n_products_of(mixed, body_order)}, mixed.options());
  }

  template <class... Arguments> static Tensor compute(const Arguments &...arguments)
  {
    const Quadrature quadrature(arguments...);
    const auto &f = quadrature.mixed;
    auto result =
        at::empty({f.size(1), n_products_of(f, quadrature.body_order) * f.size(2)}, f.options());
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products", [&] {
      const auto products = quadrature.of<scalar_t>();
      const auto *from = f.const_data_ptr<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      if (const auto *device = device_kernels(f.device().type()))
        return device->products<scalar_t>().forward(products, from, to, stream_of(f));
      at::parallel_for(0, products.n_atoms, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().products.forward(products, begin, end, from, to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    return {call<ProductsBackward>(adjoints[0], arguments...)};
  }
};

const Operators<ProductsForward, ProductsBackward, ProductsDoubleBackward> products_operators;

} // namespace

void implement_products(torch::Library &library)
{
  implement<ProductsForward, ProductsBackward, RefusedOnGpu<ProductsDoubleBackward>>(library);
}

} // namespace pair_les
