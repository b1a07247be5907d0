// SPDX-License-Identifier: MIT
// torch.ops.pair_les.equivariants: products of the mixed density to messages and invariants as an operator that is
// differentiable twice. Twin: net/equivariants.py.

#include "channel_padding.h"
#include "edge_offsets.h"
#include "fused_kernels.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

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
                               ? fused_kernels<double>().equivariants.lanes
                               : fused_kernels<float>().equivariants.lanes};
  }

  std::int64_t n_sent() const { return even_back.size(0) + odd_back.size(0); }

  static int l_max(const Tensor &mixed)
  {
    return l_max_of(mixed.sym_size(0).guard_int(__FILE__, __LINE__));
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

// an empty tensor stands for products that nobody wants
template <class Real> const Real *data_or_null(const Tensor &tensor)
{
  return tensor.numel() > 0 ? tensor.const_data_ptr<Real>() : nullptr;
}

struct EquivariantsDoubleBackward : NotDifferentiable {
  static constexpr const char *schema =
      "equivariants_double_backward(Tensor direction, Tensor invariants_adjoint, "
      "Tensor products_adjoint, Tensor mixed, Tensor even, Tensor odd, Tensor even_back, "
      "Tensor odd_back) -> (Tensor, Tensor, Tensor)";

  static Three shapes(const Tensor &, const Tensor &invariants_adjoint,
                      const Tensor &products_adjoint, const Tensor &mixed, const Tensor &,
                      const Tensor &, const Tensor &, const Tensor &)
  {
    return {at::empty_like(invariants_adjoint), at::empty_like(products_adjoint),
            at::empty_like(mixed)};
  }

  template <class... Rest>
  static Three compute(const Tensor &direction, const Tensor &invariants_adjoint,
                       const Tensor &products_adjoint, const Tensor &mixed, const Rest &...rest)
  {
    Tables tables{rest...};
    const auto padding = tables.check(mixed);
    const auto n_invariants = Tables::l_max(mixed) + 3;
    const auto f = padding.fill(mixed), a = padding.fill(invariants_adjoint, n_invariants),
               b = padding.fill(products_adjoint, 3), u = padding.fill(direction);
    auto invariants = at::empty_like(a), products = at::empty_like(b), result = at::empty_like(f);
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants_double_backward", [&] {
      const auto of = tables.of<scalar_t>(f);
      const auto *from = f.const_data_ptr<scalar_t>(), *ap = a.const_data_ptr<scalar_t>(),
                 *up = u.const_data_ptr<scalar_t>(), *bp = data_or_null<scalar_t>(b);
      auto *to_invariants = invariants.data_ptr<scalar_t>(), *to = result.data_ptr<scalar_t>();
      auto *to_products = bp ? products.data_ptr<scalar_t>() : nullptr;
      at::parallel_for(0, f.size(1), ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().equivariants.double_backward(of, begin, end, from, up, ap, bp,
                                                               to_invariants, to_products, to);
      });
    });
    return {padding.cut(invariants, n_invariants), padding.cut(products, 3), padding.cut(result)};
  }
};

// The adjoint of the mixed density.
struct EquivariantsBackward {
  static constexpr const char *schema =
      "equivariants_backward(Tensor invariants_adjoint, Tensor products_adjoint, Tensor mixed, "
      "Tensor even, Tensor odd, Tensor even_back, Tensor odd_back) -> Tensor";

  static Tensor shapes(const Tensor &, const Tensor &, const Tensor &mixed, const Tensor &,
                       const Tensor &, const Tensor &, const Tensor &)
  {
    return at::empty_like(mixed);
  }

  template <class... Rest>
  static Tensor compute(const Tensor &invariants_adjoint, const Tensor &products_adjoint,
                        const Tensor &mixed, const Rest &...rest)
  {
    Tables tables{rest...};
    const auto padding = tables.check(mixed);
    const auto f = padding.fill(mixed),
               a = padding.fill(invariants_adjoint, Tables::l_max(mixed) + 3),
               b = padding.fill(products_adjoint, 3);
    auto result = at::empty_like(f);
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants_backward", [&] {
      const auto of = tables.of<scalar_t>(f);
      const auto *from = f.const_data_ptr<scalar_t>(), *ap = a.const_data_ptr<scalar_t>(),
                 *bp = data_or_null<scalar_t>(b);
      auto *to = result.data_ptr<scalar_t>();
      at::parallel_for(0, f.size(1), ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().equivariants.backward(of, begin, end, from, ap, bp, to);
      });
    });
    return padding.cut(result);
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &direction, const Arguments &...arguments)
  {
    return operators::to_list(call<EquivariantsDoubleBackward>(direction[0], arguments...));
  }
};

struct EquivariantsForward {
  static constexpr const char *schema =
      "equivariants(Tensor mixed, Tensor even, Tensor odd, Tensor even_back, Tensor odd_back, "
      "bool with_products) -> (Tensor, Tensor)";

  static Two shapes(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                    const Tensor &even_back, const Tensor &odd_back, bool with_products)
  {
    const Tables tables{even, odd, even_back, odd_back};
    return {tables.invariants_like(mixed), tables.products_like(mixed, with_products)};
  }

  static Two compute(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                     const Tensor &even_back, const Tensor &odd_back, bool with_products)
  {
    Tables tables{even, odd, even_back, odd_back};
    const auto padding = tables.check(mixed);
    const auto f = padding.fill(mixed);
    auto invariants = tables.invariants_like(f), products = tables.products_like(f, with_products);
    AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "equivariants", [&] {
      const auto of = tables.of<scalar_t>(f);
      const auto *from = f.const_data_ptr<scalar_t>();
      auto *to = invariants.data_ptr<scalar_t>();
      auto *to_products = with_products ? products.data_ptr<scalar_t>() : nullptr;
      at::parallel_for(0, f.size(1), ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().equivariants.forward(of, begin, end, from, to, to_products);
      });
    });
    return {padding.cut(invariants, Tables::l_max(f) + 3), padding.cut(products, 3)};
  }

  static Variables differentiate(const Adjoints &adjoints, const Tensor &mixed, const Tensor &even,
                                 const Tensor &odd, const Tensor &even_back, const Tensor &odd_back,
                                 bool)
  {
    return {call<EquivariantsBackward>(adjoints[0], adjoints[1], mixed, even, odd, even_back,
                                       odd_back)};
  }
};

const Operators<EquivariantsForward, EquivariantsBackward, EquivariantsDoubleBackward>
    equivariants_operators;

} // namespace

} // namespace pair_les
