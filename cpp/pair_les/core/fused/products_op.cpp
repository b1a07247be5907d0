// SPDX-License-Identifier: MIT
// torch.ops.pair_les.products: the fused invariants as an operator that is differentiable twice. Twin: net/products.py.

#include "device_ops.h"
#include "quadrature.h"
#include "registration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pair_les {

namespace {

using at::Tensor;

template <class Real> const ProductKernels<Real> &kernels_of();
template <> const ProductKernels<float> &kernels_of()
{
  return fused_kernels().products_float;
}
template <> const ProductKernels<double> &kernels_of()
{
  return fused_kernels().products_double;
}

constexpr std::int64_t GRAIN = 64; // atoms

Tensor products_cpu(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                    const Tensor &weights, std::int64_t body_order)
{
  if (device_kernels(c10::kCPU)) return products_device(mixed, even, odd, weights, body_order);
  Quadrature quadrature{even, odd, weights, body_order};
  quadrature.check(mixed);
  const auto f = mixed.contiguous();
  auto result = at::empty({f.size(1), quadrature.n_products(f) * f.size(2)}, f.options());
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products", [&] {
    const auto products = quadrature.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>();
    auto *to = result.data_ptr<scalar_t>();
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().forward(products, begin, end, from, to);
    });
  });
  return result;
}

Tensor products_backward_cpu(const Tensor &adjoint, const Tensor &mixed, const Tensor &even,
                             const Tensor &odd, const Tensor &weights, std::int64_t body_order)
{
  if (device_kernels(c10::kCPU))
    return products_backward_device(adjoint, mixed, even, odd, weights, body_order);
  Quadrature quadrature{even, odd, weights, body_order};
  quadrature.check(mixed);
  const auto f = mixed.contiguous(), g = adjoint.contiguous();
  auto result = at::empty_like(f);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products_backward", [&] {
    const auto products = quadrature.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>(), *gp = g.const_data_ptr<scalar_t>();
    auto *to = result.data_ptr<scalar_t>();
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().backward(products, begin, end, from, gp, to);
    });
  });
  return result;
}

std::tuple<Tensor, Tensor> products_double_backward_cpu(const Tensor &direction,
                                                        const Tensor &adjoint, const Tensor &mixed,
                                                        const Tensor &even, const Tensor &odd,
                                                        const Tensor &weights,
                                                        std::int64_t body_order)
{
  Quadrature quadrature{even, odd, weights, body_order};
  quadrature.check(mixed);
  const auto f = mixed.contiguous(), g = adjoint.contiguous(), u = direction.contiguous();
  auto invariants_tangent = at::empty_like(g);
  auto mixed_tangent = at::empty_like(f);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products_double_backward", [&] {
    const auto products = quadrature.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>(), *gp = g.const_data_ptr<scalar_t>();
    const auto *up = u.const_data_ptr<scalar_t>();
    auto *to_invariants = invariants_tangent.data_ptr<scalar_t>();
    auto *to_mixed = mixed_tangent.data_ptr<scalar_t>();
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().double_backward(products, begin, end, from, gp, up, to_invariants,
                                             to_mixed);
    });
  });
  return {invariants_tangent, mixed_tangent};
}

Tensor products_meta(const Tensor &mixed, const Tensor &, const Tensor &, const Tensor &,
                     std::int64_t body_order)
{
  const std::int64_t n_products = 1 + Quadrature::l_max(mixed) + body_order - 3;
  return at::empty_symint({mixed.sym_size(1), mixed.sym_size(2) * n_products}, mixed.options());
}
Tensor products_backward_meta(const Tensor &, const Tensor &mixed, const Tensor &, const Tensor &,
                              const Tensor &, std::int64_t)
{
  return at::empty_symint(mixed.sym_sizes(), mixed.options());
}
std::tuple<Tensor, Tensor> products_double_backward_meta(const Tensor &, const Tensor &adjoint,
                                                         const Tensor &mixed, const Tensor &,
                                                         const Tensor &, const Tensor &,
                                                         std::int64_t)
{
  return {at::empty_symint(adjoint.sym_sizes(), adjoint.options()),
          at::empty_symint(mixed.sym_sizes(), mixed.options())};
}

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

// The adjoint of the mixed density, itself differentiable once more.
class ProductsBackward : public torch::autograd::Function<ProductsBackward> {
 public:
  static Tensor forward(Context *ctx, const Tensor &adjoint, const Tensor &mixed,
                        const Tensor &even, const Tensor &odd, const Tensor &weights,
                        std::int64_t body_order)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({adjoint, mixed, even, odd, weights});
    ctx->saved_data["body_order"] = body_order;
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              const Tensor &, std::int64_t)>("pair_les::products_backward");
    return op.call(adjoint, mixed, even, odd, weights, body_order);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op = operator_named<std::tuple<Tensor, Tensor>(
        const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
        const Tensor &, std::int64_t)>("pair_les::products_double_backward");
    const auto [invariants_tangent, mixed_tangent] =
        op.call(gradients[0], saved[0], saved[1], saved[2], saved[3], saved[4],
                ctx->saved_data["body_order"].toInt());
    return {invariants_tangent, mixed_tangent, {}, {}, {}, {}};
  }
};

Tensor products_backward_autograd(const Tensor &adjoint, const Tensor &mixed, const Tensor &even,
                                  const Tensor &odd, const Tensor &weights, std::int64_t body_order)
{
  return ProductsBackward::apply(adjoint, mixed, even, odd, weights, body_order);
}

class ProductsForward : public torch::autograd::Function<ProductsForward> {
 public:
  static Tensor forward(Context *ctx, const Tensor &mixed, const Tensor &even, const Tensor &odd,
                        const Tensor &weights, std::int64_t body_order)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({mixed, even, odd, weights});
    ctx->saved_data["body_order"] = body_order;
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              std::int64_t)>("pair_les::products");
    return op.call(mixed, even, odd, weights, body_order);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              const Tensor &, std::int64_t)>("pair_les::products_backward");
    return {op.call(gradients[0], saved[0], saved[1], saved[2], saved[3],
                    ctx->saved_data["body_order"].toInt()),
            {},
            {},
            {},
            {}};
  }
};

Tensor products_autograd(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                         const Tensor &weights, std::int64_t body_order)
{
  return ProductsForward::apply(mixed, even, odd, weights, body_order);
}

const Registration registration =
    Registration("products")
        .define([](torch::Library &library) {
          library.def(
              "products(Tensor mixed, Tensor even, Tensor odd, Tensor weights, int body_order) "
              "-> Tensor");
          library.def("products_backward(Tensor adjoint, Tensor mixed, Tensor even, Tensor odd, "
                      "Tensor weights, int body_order) -> Tensor");
          library.def("products_double_backward(Tensor direction, Tensor adjoint, Tensor mixed, "
                      "Tensor even, "
                      "Tensor odd, Tensor weights, int body_order) -> (Tensor, Tensor)");
        })
        .implement(c10::DispatchKey::CPU,
                   [](torch::Library &library) {
                     library.impl("products", products_cpu);
                     library.impl("products_backward", products_backward_cpu);
                     library.impl("products_double_backward", products_double_backward_cpu);
                   })
        .implement(c10::DispatchKey::Meta,
                   [](torch::Library &library) {
                     library.impl("products", products_meta);
                     library.impl("products_backward", products_backward_meta);
                     library.impl("products_double_backward", products_double_backward_meta);
                   })
        .implement(c10::DispatchKey::Autograd, [](torch::Library &library) {
          library.impl("products", products_autograd);
          library.impl("products_backward", products_backward_autograd);
        });

} // namespace

} // namespace pair_les
