// SPDX-License-Identifier: MIT
// torch.ops.pair_les.squash and .silu: functions of each element as operators that are differentiable twice and keep nothing but
// what they were given. Twins: net/activations.py, torch.nn.functional.silu.

#include "fused_kernels.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace pair_les {

namespace {

using at::Tensor;
using Two = std::tuple<Tensor, Tensor>; // of the adjoint and of x

constexpr std::int64_t ELEMENTS_PER_TASK = 1 << 14;

// x with what belongs to its columns, checked. Without mean and spread, one column is as good as another.
struct Columns {
  Tensor x, mean, inverse_spread;

  explicit Columns(const Tensor &input) : x(input.contiguous()) {}
  Columns(const Tensor &input, const Tensor &mean_, const Tensor &spread) : Columns(input)
  {
    TORCH_CHECK(input.dim() == 2, "squash: x must be [n, n_columns], not ", input.sizes());
    for (const Tensor &row : {mean_, spread})
      TORCH_CHECK(row.dim() == 1 && row.size(0) == input.size(1) &&
                      row.scalar_type() == input.scalar_type(),
                  "squash: mean and spread must be [", input.size(1), "] of ", input.scalar_type(),
                  ", not ", row.sizes(), " of ", row.scalar_type());
    mean = mean_.contiguous();
    inverse_spread = spread.reciprocal().contiguous();
  }

  // run(elements, first row, last) on ranges of rows
  template <class Real, class Run> void over_rows(const Run &run) const
  {
    if (x.numel() == 0) return;
    if (!mean.defined()) {
      at::parallel_for(0, x.numel(), ELEMENTS_PER_TASK, [&](std::int64_t begin, std::int64_t end) {
        // the elements of this range are one row
        run(Elements<Real>{nullptr, nullptr, end - begin}, begin, 0, 1);
      });
      return;
    }
    const Elements<Real> elements{mean.const_data_ptr<Real>(),
                                  inverse_spread.const_data_ptr<Real>(), x.size(1)};
    at::parallel_for(0, x.size(0), 1 + ELEMENTS_PER_TASK / x.size(1),
                     [&](std::int64_t begin, std::int64_t end) { run(elements, 0, begin, end); });
  }
};

// The functions by name, schemas and kernels. Rows are what an operator takes after x: mean and spread, or nothing.
struct Squash {
  static constexpr const char *name = "pair_les::squash",
                              *value = "squash(Tensor x, Tensor mean, Tensor spread) -> Tensor",
                              *backward = "squash_backward(Tensor adjoint, Tensor x, Tensor mean, "
                                          "Tensor spread) -> Tensor",
                              *double_backward =
                                  "squash_double_backward(Tensor direction, Tensor adjoint, "
                                  "Tensor x, Tensor mean, Tensor spread) -> (Tensor, Tensor)";
  template <class Real> static const auto &kernels() { return fused_kernels<Real>().squash; }
};

struct Silu {
  static constexpr const char *name = "pair_les::silu", *value = "silu(Tensor x) -> Tensor",
                              *backward = "silu_backward(Tensor adjoint, Tensor x) -> Tensor",
                              *double_backward =
                                  "silu_double_backward(Tensor direction, Tensor adjoint, "
                                  "Tensor x) -> (Tensor, Tensor)";
  template <class Real> static const auto &kernels() { return fused_kernels<Real>().silu; }
};

Tensor like(const Tensor &x)
{
  return at::empty_symint(x.sym_sizes(), x.options());
}

template <class Function, class... Rows> struct DoubleBackward : NotDifferentiable {
  static constexpr const char *schema = Function::double_backward;

  static Two shapes(const Tensor &, const Tensor &, const Tensor &x, const Rows &...)
  {
    return {like(x), like(x)};
  }

  static Two compute(const Tensor &direction, const Tensor &adjoint, const Tensor &x,
                     const Rows &...rows)
  {
    const Columns columns(x, rows...);
    const auto g = adjoint.contiguous(), u = direction.contiguous();
    auto of_adjoint = at::empty_like(columns.x), of_x = at::empty_like(columns.x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::name, [&] {
      columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
        Function::template kernels<scalar_t>().double_backward(
            elements, begin, end, columns.x.const_data_ptr<scalar_t>() + first,
            g.const_data_ptr<scalar_t>() + first, u.const_data_ptr<scalar_t>() + first,
            of_adjoint.data_ptr<scalar_t>() + first, of_x.data_ptr<scalar_t>() + first);
      });
    });
    return {of_adjoint, of_x};
  }
};

// The adjoint of x.
template <class Function, class... Rows> struct Backward {
  static constexpr const char *schema = Function::backward;

  static Tensor shapes(const Tensor &, const Tensor &x, const Rows &...) { return like(x); }

  static Tensor compute(const Tensor &adjoint, const Tensor &x, const Rows &...rows)
  {
    const Columns columns(x, rows...);
    const auto g = adjoint.contiguous();
    auto result = at::empty_like(columns.x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::name, [&] {
      columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
        Function::template kernels<scalar_t>().backward(
            elements, begin, end, columns.x.const_data_ptr<scalar_t>() + first,
            g.const_data_ptr<scalar_t>() + first, result.data_ptr<scalar_t>() + first);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &direction, const Arguments &...arguments)
  {
    return operators::to_list(call<DoubleBackward<Function, Rows...>>(direction[0], arguments...));
  }
};

template <class Function, class... Rows> struct Value {
  static constexpr const char *schema = Function::value;

  static Tensor shapes(const Tensor &x, const Rows &...) { return like(x); }

  static Tensor compute(const Tensor &x, const Rows &...rows)
  {
    const Columns columns(x, rows...);
    auto y = at::empty_like(columns.x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), Function::name, [&] {
      columns.over_rows<scalar_t>([&](const auto &elements, auto first, auto begin, auto end) {
        Function::template kernels<scalar_t>().forward(elements, begin, end,
                                                       columns.x.const_data_ptr<scalar_t>() + first,
                                                       y.data_ptr<scalar_t>() + first);
      });
    });
    return y;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    return {call<Backward<Function, Rows...>>(adjoints[0], arguments...)};
  }
};

template <class Function, class... Rows>
using Activation = Operators<Value<Function, Rows...>, Backward<Function, Rows...>,
                             DoubleBackward<Function, Rows...>>;

const Activation<Squash, Tensor, Tensor> squash;
const Activation<Silu> silu;

} // namespace

} // namespace pair_les
