// SPDX-License-Identifier: MIT
// torch.ops.pair_les.equivariants: products of the mixed density to messages and invariants as an operator that is
// differentiable twice. Twin: net/equivariants.py.

#include "channel_padding.h"
#include "fused_kernels.h"
#include "registration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

namespace pair_les {

namespace {

using at::Tensor;
using Two = std::tuple<Tensor, Tensor>; // of invariants and products
using Three = std::tuple<Tensor, Tensor, Tensor>;

struct Tables {
  Tensor even, odd, even_back, odd_back;

  ChannelPadding check(const Tensor &mixed)
  {
    TORCH_CHECK(mixed.dim() == 3 && l_max(mixed) > 0,
                "equivariants: the mixed density must be [4, 9 or 16, n_atoms, n_channels], not ",
                mixed.sizes());
    const int l = l_max(mixed);
    const auto n_points = even.size(0), sent = n_sent();
    TORCH_CHECK(even.dim() == 2 && odd.dim() == 2 && even_back.dim() == 2 && odd_back.dim() == 2 &&
                    even.size(1) == (l >= 2 ? 6 : 1) && odd.size(1) == (l >= 3 ? 10 : 3) &&
                    odd.size(0) == n_points && even_back.size(1) == n_points &&
                    odd_back.size(1) == n_points && (sent == 4 || sent == 9 || sent == 16) &&
                    sent <= mixed.size(0),
                "equivariants: the quadrature does not belong to l_max = ", l);
    for (Tensor *table : {&even, &odd, &even_back, &odd_back}) {
      TORCH_CHECK(table->scalar_type() == mixed.scalar_type(), "equivariants: the quadrature is ",
                  table->scalar_type(), " but the mixed density is ", mixed.scalar_type());
      *table = table->contiguous();
    }
    return {mixed.size(2), mixed.scalar_type() == at::kDouble
                               ? fused_kernels().equivariants_double.lanes
                               : fused_kernels().equivariants_float.lanes};
  }

  std::int64_t n_sent() const { return even_back.size(0) + odd_back.size(0); }

  static int l_max(const Tensor &mixed)
  {
    const auto n = mixed.sym_size(0).guard_int(__FILE__, __LINE__);
    return n == 4 ? 1 : n == 9 ? 2 : n == 16 ? 3 : 0;
  }

  Tensor invariants_like(const Tensor &mixed) const
  {
    return at::empty_symint({mixed.sym_size(1), mixed.sym_size(2) * (l_max(mixed) + 3)},
                            mixed.options());
  }
  Tensor products_like(const Tensor &mixed, bool wanted) const
  {
    if (!wanted) return at::empty({0}, mixed.options());
    return at::empty_symint({n_sent(), mixed.sym_size(1), mixed.sym_size(2) * 3}, mixed.options());
  }

  template <class Real> Equivariants<Real> of(const Tensor &mixed) const
  {
    return {even.const_data_ptr<Real>(),
            odd.const_data_ptr<Real>(),
            even_back.const_data_ptr<Real>(),
            odd_back.const_data_ptr<Real>(),
            static_cast<int>(even.size(0)),
            l_max(mixed),
            static_cast<int>(n_sent()),
            mixed.size(1),
            mixed.size(2)};
  }
};

template <class Real> const EquivariantKernels<Real> &kernels_of();
template <> const EquivariantKernels<float> &kernels_of()
{
  return fused_kernels().equivariants_float;
}
template <> const EquivariantKernels<double> &kernels_of()
{
  return fused_kernels().equivariants_double;
}

// an empty tensor stands for products that nobody wants
template <class Real> const Real *data_or_null(const Tensor &tensor)
{
  return tensor.numel() > 0 ? tensor.const_data_ptr<Real>() : nullptr;
}

constexpr std::int64_t GRAIN = 64; // atoms

Two equivariants_cpu(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                     const Tensor &even_back, const Tensor &odd_back, bool with_products)
{
  Tables tables{even, odd, even_back, odd_back};
  const auto lanes = tables.check(mixed);
  const auto f = lanes.fill(mixed);
  auto invariants = tables.invariants_like(f), products = tables.products_like(f, with_products);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants", [&] {
    const auto of = tables.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>();
    auto *to = invariants.data_ptr<scalar_t>();
    auto *to_products = with_products ? products.data_ptr<scalar_t>() : nullptr;
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().forward(of, begin, end, from, to, to_products);
    });
  });
  return {lanes.cut(invariants, Tables::l_max(f) + 3), lanes.cut(products, 3)};
}

Tensor equivariants_backward_cpu(const Tensor &invariants_adjoint, const Tensor &products_adjoint,
                                 const Tensor &mixed, const Tensor &even, const Tensor &odd,
                                 const Tensor &even_back, const Tensor &odd_back)
{
  Tables tables{even, odd, even_back, odd_back};
  const auto lanes = tables.check(mixed);
  const auto f = lanes.fill(mixed), a = lanes.fill(invariants_adjoint, Tables::l_max(mixed) + 3),
             b = lanes.fill(products_adjoint, 3);
  auto result = at::empty_like(f);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants_backward", [&] {
    const auto of = tables.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>(), *ap = a.const_data_ptr<scalar_t>(),
               *bp = data_or_null<scalar_t>(b);
    auto *to = result.data_ptr<scalar_t>();
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().backward(of, begin, end, from, ap, bp, to);
    });
  });
  return lanes.cut(result);
}

Three equivariants_double_backward_cpu(const Tensor &direction, const Tensor &invariants_adjoint,
                                       const Tensor &products_adjoint, const Tensor &mixed,
                                       const Tensor &even, const Tensor &odd,
                                       const Tensor &even_back, const Tensor &odd_back)
{
  Tables tables{even, odd, even_back, odd_back};
  const auto lanes = tables.check(mixed);
  const auto n_invariants = Tables::l_max(mixed) + 3;
  const auto f = lanes.fill(mixed), a = lanes.fill(invariants_adjoint, n_invariants),
             b = lanes.fill(products_adjoint, 3), u = lanes.fill(direction);
  auto invariants = at::empty_like(a), products = at::empty_like(b), result = at::empty_like(f);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants_double_backward", [&] {
    const auto of = tables.of<scalar_t>(f);
    const auto *from = f.const_data_ptr<scalar_t>(), *ap = a.const_data_ptr<scalar_t>(),
               *up = u.const_data_ptr<scalar_t>(), *bp = data_or_null<scalar_t>(b);
    auto *to_invariants = invariants.data_ptr<scalar_t>(), *to = result.data_ptr<scalar_t>();
    auto *to_products = bp ? products.data_ptr<scalar_t>() : nullptr;
    at::parallel_for(0, f.size(1), GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().double_backward(of, begin, end, from, up, ap, bp, to_invariants,
                                             to_products, to);
    });
  });
  return {lanes.cut(invariants, n_invariants), lanes.cut(products, 3), lanes.cut(result)};
}

// shapes only, for export and compilation
Two equivariants_meta(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                      const Tensor &even_back, const Tensor &odd_back, bool with_products)
{
  const Tables tables{even, odd, even_back, odd_back};
  return {tables.invariants_like(mixed), tables.products_like(mixed, with_products)};
}
Tensor equivariants_backward_meta(const Tensor &, const Tensor &, const Tensor &mixed,
                                  const Tensor &, const Tensor &, const Tensor &, const Tensor &)
{
  return at::empty_like(mixed);
}
Three equivariants_double_backward_meta(const Tensor &, const Tensor &invariants_adjoint,
                                        const Tensor &products_adjoint, const Tensor &mixed,
                                        const Tensor &, const Tensor &, const Tensor &,
                                        const Tensor &)
{
  return {at::empty_like(invariants_adjoint), at::empty_like(products_adjoint),
          at::empty_like(mixed)};
}

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;
using BackwardSignature = Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                                 const Tensor &, const Tensor &, const Tensor &);

// The adjoint of the mixed density, itself differentiable once more.
class EquivariantsBackward : public torch::autograd::Function<EquivariantsBackward> {
 public:
  static Tensor forward(Context *ctx, const Tensor &invariants_adjoint,
                        const Tensor &products_adjoint, const Tensor &mixed, const Tensor &even,
                        const Tensor &odd, const Tensor &even_back, const Tensor &odd_back)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward(
        {invariants_adjoint, products_adjoint, mixed, even, odd, even_back, odd_back});
    static const auto op = operator_named<BackwardSignature>("pair_les::equivariants_backward");
    return op.call(invariants_adjoint, products_adjoint, mixed, even, odd, even_back, odd_back);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op =
        operator_named<Three(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                             const Tensor &, const Tensor &, const Tensor &, const Tensor &)>(
            "pair_les::equivariants_double_backward");
    const auto [invariants, products, mixed] =
        op.call(gradients[0], saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]);
    return {invariants, products, mixed, {}, {}, {}, {}};
  }
};

Tensor equivariants_backward_autograd(const Tensor &invariants_adjoint,
                                      const Tensor &products_adjoint, const Tensor &mixed,
                                      const Tensor &even, const Tensor &odd,
                                      const Tensor &even_back, const Tensor &odd_back)
{
  return EquivariantsBackward::apply(invariants_adjoint, products_adjoint, mixed, even, odd,
                                     even_back, odd_back);
}

class EquivariantsForward : public torch::autograd::Function<EquivariantsForward> {
 public:
  static Variables forward(Context *ctx, const Tensor &mixed, const Tensor &even, const Tensor &odd,
                           const Tensor &even_back, const Tensor &odd_back, bool with_products)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({mixed, even, odd, even_back, odd_back});
    static const auto op =
        operator_named<Two(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                           const Tensor &, bool)>("pair_les::equivariants");
    const auto [invariants, products] =
        op.call(mixed, even, odd, even_back, odd_back, with_products);
    return {invariants, products};
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op = operator_named<BackwardSignature>("pair_les::equivariants_backward");
    return {op.call(gradients[0], gradients[1], saved[0], saved[1], saved[2], saved[3], saved[4]),
            {},
            {},
            {},
            {},
            {}};
  }
};

Two equivariants_autograd(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                          const Tensor &even_back, const Tensor &odd_back, bool with_products)
{
  const auto results =
      EquivariantsForward::apply(mixed, even, odd, even_back, odd_back, with_products);
  return {results[0], results[1]};
}

const Registration registration =
    Registration("equivariants")
        .define([](torch::Library &library) {
          library.def("equivariants(Tensor mixed, Tensor even, Tensor odd, Tensor even_back, "
                      "Tensor odd_back, bool with_products) -> (Tensor, Tensor)");
          library.def("equivariants_backward(Tensor invariants_adjoint, Tensor products_adjoint, "
                      "Tensor mixed, Tensor even, Tensor odd, Tensor even_back, Tensor odd_back) "
                      "-> Tensor");
          library.def("equivariants_double_backward(Tensor direction, Tensor invariants_adjoint, "
                      "Tensor products_adjoint, Tensor mixed, Tensor even, Tensor odd, "
                      "Tensor even_back, Tensor odd_back) -> (Tensor, Tensor, Tensor)");
        })
        .implement(c10::DispatchKey::CPU,
                   [](torch::Library &library) {
                     library.impl("equivariants", equivariants_cpu);
                     library.impl("equivariants_backward", equivariants_backward_cpu);
                     library.impl("equivariants_double_backward", equivariants_double_backward_cpu);
                   })
        .implement(c10::DispatchKey::Meta,
                   [](torch::Library &library) {
                     library.impl("equivariants", equivariants_meta);
                     library.impl("equivariants_backward", equivariants_backward_meta);
                     library.impl("equivariants_double_backward",
                                  equivariants_double_backward_meta);
                   })
        .implement(c10::DispatchKey::Autograd, [](torch::Library &library) {
          library.impl("equivariants", equivariants_autograd);
          library.impl("equivariants_backward", equivariants_backward_autograd);
        });

} // namespace

} // namespace pair_les
