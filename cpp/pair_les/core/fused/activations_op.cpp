// SPDX-License-Identifier: MIT
// torch.ops.pair_les.squash and .silu: functions of each element as operators that are differentiable twice and keep nothing but
// what they were given. Twins: net/activations.py, torch.nn.functional.silu.

#include "fused_kernels.h"
#include "registration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <tuple>
#include <type_traits>

namespace pair_les {

namespace {

using at::Tensor;
using Two = std::tuple<Tensor, Tensor>; // of the adjoint and of x

constexpr std::int64_t GRAIN = 1 << 14; // elements

// x with what belongs to its columns, checked. Without mean and spread, one column is as good as another.
struct Columns {
  Tensor x, mean, inverse_spread;

  Columns(const Tensor &input, const Tensor &mean_, const Tensor &spread)
  {
    if (mean_.defined()) {
      TORCH_CHECK(input.dim() == 2, "squash: x must be [n, n_columns], not ", input.sizes());
      for (const Tensor &row : {mean_, spread})
        TORCH_CHECK(row.dim() == 1 && row.size(0) == input.size(1) &&
                        row.scalar_type() == input.scalar_type(),
                    "squash: mean and spread must be [", input.size(1), "] of ",
                    input.scalar_type(), ", not ", row.sizes(), " of ", row.scalar_type());
      mean = mean_.contiguous();
      inverse_spread = spread.reciprocal().contiguous();
    }
    x = input.contiguous();
  }

  // run(elements, first row, last) on ranges of rows
  template <class Real, class Run> void over_rows(const Run &run) const
  {
    if (x.numel() == 0) return;
    if (!mean.defined()) {
      at::parallel_for(0, x.numel(), GRAIN, [&](std::int64_t begin, std::int64_t end) {
        // the elements of this range are one row
        run(Elements<Real>{nullptr, nullptr, end - begin}, begin, 0, 1);
      });
      return;
    }
    const Elements<Real> elements{mean.const_data_ptr<Real>(),
                                  inverse_spread.const_data_ptr<Real>(), x.size(1)};
    at::parallel_for(0, x.size(0), 1 + GRAIN / x.size(1),
                     [&](std::int64_t begin, std::int64_t end) { run(elements, 0, begin, end); });
  }
};

struct SquashFunction {
  static constexpr const char *forward = "pair_les::squash",
                              *backward = "pair_les::squash_backward",
                              *double_backward = "pair_les::squash_double_backward";
  template <class Real> static const ActivationKernels<Real> &kernels()
  {
    if constexpr (std::is_same_v<Real, float>)
      return fused_kernels().squash_float;
    else
      return fused_kernels().squash_double;
  }
};

struct SiluFunction {
  static constexpr const char *forward = "pair_les::silu", *backward = "pair_les::silu_backward",
                              *double_backward = "pair_les::silu_double_backward";
  template <class Real> static const ActivationKernels<Real> &kernels()
  {
    if constexpr (std::is_same_v<Real, float>)
      return fused_kernels().silu_float;
    else
      return fused_kernels().silu_double;
  }
};

template <class Function> Tensor value(const Tensor &x, const Tensor &mean, const Tensor &spread)
{
  const Columns columns(x, mean, spread);
  auto y = at::empty_like(columns.x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::forward, [&] {
    columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
      Function::template kernels<scalar_t>().forward(elements, begin, end,
                                                     columns.x.const_data_ptr<scalar_t>() + first,
                                                     y.data_ptr<scalar_t>() + first);
    });
  });
  return y;
}

template <class Function>
Tensor adjoint_of(const Tensor &adjoint, const Tensor &x, const Tensor &mean, const Tensor &spread)
{
  const Columns columns(x, mean, spread);
  const auto g = adjoint.contiguous();
  auto result = at::empty_like(columns.x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::backward, [&] {
    columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
      Function::template kernels<scalar_t>().backward(
          elements, begin, end, columns.x.const_data_ptr<scalar_t>() + first,
          g.const_data_ptr<scalar_t>() + first, result.data_ptr<scalar_t>() + first);
    });
  });
  return result;
}

template <class Function>
Two tangents_of(const Tensor &direction, const Tensor &adjoint, const Tensor &x, const Tensor &mean,
                const Tensor &spread)
{
  const Columns columns(x, mean, spread);
  const auto g = adjoint.contiguous(), u = direction.contiguous();
  auto of_adjoint = at::empty_like(columns.x), of_x = at::empty_like(columns.x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::double_backward, [&] {
    columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
      Function::template kernels<scalar_t>().double_backward(
          elements, begin, end, columns.x.const_data_ptr<scalar_t>() + first,
          g.const_data_ptr<scalar_t>() + first, u.const_data_ptr<scalar_t>() + first,
          of_adjoint.data_ptr<scalar_t>() + first, of_x.data_ptr<scalar_t>() + first);
    });
  });
  return {of_adjoint, of_x};
}

Tensor like(const Tensor &x)
{
  return at::empty_symint(x.sym_sizes(), x.options());
}

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

using Row = std::optional<Tensor>;

// Operators by their names; those of functions without columns of their own take no mean and spread.
template <class Result, class... Before>
Result call(const char *name, const Tensor &mean, const Tensor &spread, const Before &...before)
{
  if (mean.defined())
    return operator_named<Result(const Before &..., const Tensor &, const Tensor &)>(name).call(
        before..., mean, spread);
  return operator_named<Result(const Before &...)>(name).call(before...);
}

// The adjoint of x, itself differentiable once more.
template <class Function>
class ActivationBackward : public torch::autograd::Function<ActivationBackward<Function>> {
 public:
  static Tensor forward(Context *ctx, const Tensor &adjoint, const Tensor &x, const Row &mean,
                        const Row &spread)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({adjoint, x, mean.value_or(Tensor()), spread.value_or(Tensor())});
    return call<Tensor>(Function::backward, mean.value_or(Tensor()), spread.value_or(Tensor()),
                        adjoint, x);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    const auto [of_adjoint, of_x] =
        call<Two>(Function::double_backward, saved[2], saved[3], gradients[0], saved[0], saved[1]);
    return {of_adjoint, of_x, {}, {}};
  }
};

template <class Function>
class Activation : public torch::autograd::Function<Activation<Function>> {
 public:
  static Tensor forward(Context *ctx, const Tensor &x, const Row &mean, const Row &spread)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({x, mean.value_or(Tensor()), spread.value_or(Tensor())});
    return call<Tensor>(Function::forward, mean.value_or(Tensor()), spread.value_or(Tensor()), x);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    return {call<Tensor>(Function::backward, saved[1], saved[2], gradients[0], saved[0]), {}, {}};
  }
};

template <class Function> Tensor with_graph(const Tensor &x, const Row &mean, const Row &spread)
{
  return Activation<Function>::apply(x, mean, spread);
}
template <class Function>
Tensor adjoint_with_graph(const Tensor &adjoint, const Tensor &x, const Row &mean,
                          const Row &spread)
{
  return ActivationBackward<Function>::apply(adjoint, x, mean, spread);
}

// The two functions under their names.
struct Squash {
  using F = SquashFunction;
  static void define(torch::Library &library)
  {
    library.def("squash(Tensor x, Tensor mean, Tensor spread) -> Tensor");
    library.def("squash_backward(Tensor adjoint, Tensor x, Tensor mean, Tensor spread) -> Tensor");
    library.def("squash_double_backward(Tensor direction, Tensor adjoint, Tensor x, Tensor mean, "
                "Tensor spread) -> (Tensor, Tensor)");
  }
  static void implement(torch::Library &library)
  {
    library.impl("squash", value<F>);
    library.impl("squash_backward", adjoint_of<F>);
    library.impl("squash_double_backward", tangents_of<F>);
  }
  static void implement_shapes(torch::Library &library)
  {
    library.impl("squash", [](const Tensor &x, const Tensor &, const Tensor &) { return like(x); });
    library.impl("squash_backward", [](const Tensor &, const Tensor &x, const Tensor &,
                                       const Tensor &) { return like(x); });
    library.impl("squash_double_backward",
                 [](const Tensor &, const Tensor &, const Tensor &x, const Tensor &,
                    const Tensor &) { return Two{like(x), like(x)}; });
  }
  static void implement_graphs(torch::Library &library)
  {
    library.impl("squash", [](const Tensor &x, const Tensor &mean, const Tensor &spread) {
      return with_graph<F>(x, mean, spread);
    });
    library.impl("squash_backward",
                 [](const Tensor &g, const Tensor &x, const Tensor &mean, const Tensor &spread) {
                   return adjoint_with_graph<F>(g, x, mean, spread);
                 });
  }
};

struct Silu {
  using F = SiluFunction;
  static void define(torch::Library &library)
  {
    library.def("silu(Tensor x) -> Tensor");
    library.def("silu_backward(Tensor adjoint, Tensor x) -> Tensor");
    library.def("silu_double_backward(Tensor direction, Tensor adjoint, Tensor x) "
                "-> (Tensor, Tensor)");
  }
  static void implement(torch::Library &library)
  {
    library.impl("silu", [](const Tensor &x) { return value<F>(x, {}, {}); });
    library.impl("silu_backward",
                 [](const Tensor &g, const Tensor &x) { return adjoint_of<F>(g, x, {}, {}); });
    library.impl("silu_double_backward", [](const Tensor &u, const Tensor &g, const Tensor &x) {
      return tangents_of<F>(u, g, x, {}, {});
    });
  }
  static void implement_shapes(torch::Library &library)
  {
    library.impl("silu", [](const Tensor &x) { return like(x); });
    library.impl("silu_backward", [](const Tensor &, const Tensor &x) { return like(x); });
    library.impl("silu_double_backward", [](const Tensor &, const Tensor &, const Tensor &x) {
      return Two{like(x), like(x)};
    });
  }
  static void implement_graphs(torch::Library &library)
  {
    library.impl("silu",
                 [](const Tensor &x) { return with_graph<F>(x, std::nullopt, std::nullopt); });
    library.impl("silu_backward", [](const Tensor &g, const Tensor &x) {
      return adjoint_with_graph<F>(g, x, std::nullopt, std::nullopt);
    });
  }
};

template <class Names> Registration registered(const char *first)
{
  return Registration(first)
      .define(Names::define)
      .implement(c10::DispatchKey::CPU, Names::implement)
      .implement(c10::DispatchKey::Meta, Names::implement_shapes)
      .implement(c10::DispatchKey::Autograd, Names::implement_graphs);
}

const Registration registration_of_squash = registered<Squash>("squash");
const Registration registration_of_silu = registered<Silu>("silu");

} // namespace

} // namespace pair_les
