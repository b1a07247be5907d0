// SPDX-License-Identifier: MIT
// Operators of torch made from traits: schema, dispatch keys and autograd are written here once. The traits of an operator
//
//   struct Square {
//     static constexpr const char *schema = "square(Tensor x) -> Tensor";
//     // The result without its values, for tracing and compilation. Its type is the C++ type of the operator.
//     static Tensor shapes(const Tensor &x);
//     // The result. Sizes that are SymInt in `shapes` are int64_t here.
//     static Tensor compute(const Tensor &x);
//     // Adjoints of the arguments, in their order, from those of the results; missing ones at the end are undefined.
//     template <class... Arguments>
//     static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments);
//   };
//   const Operators<Square, SquareBackward> square_operators;
//
// have `differentiate` unless they inherit NotDifferentiable. It calls other operators, here
// call<SquareBackward>(adjoints[0], x), so that second derivatives need nothing else. It is given the arguments, or the
// tuple that the optional function `saved` of the traits makes of them.

#ifndef PAIR_LES_CORE_FUSED_OPERATORS_H
#define PAIR_LES_CORE_FUSED_OPERATORS_H

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pair_les {

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

inline constexpr std::int64_t ATOMS_PER_TASK = 64; // at least, of at::parallel_for
inline constexpr std::int64_t CHANNEL_STEP = 16;   // lanes of the widest vectors

struct NotDifferentiable {};

// Adjoints of the results of an operator whose derivative is asked for.
class Adjoints {
 public:
  Adjoints(const Variables &values, const Context &context) : values_(values), context_(context) {}

  const at::Tensor &operator[](std::size_t result) const { return values_[result]; }
  // Whether the adjoint of this argument is needed; tensors come first in the arguments.
  bool needed(std::size_t argument) const { return context_.needs_input_grad(argument); }

 private:
  const Variables &values_;
  const Context &context_;
};

template <class Traits> std::string name_of()
{
  const std::string_view schema = Traits::schema;
  return std::string(schema.substr(0, schema.find('(')));
}

template <class Traits>
using Signature = std::remove_pointer_t<decltype(&Traits::shapes)>; // Result(Arguments...)

// Calls an operator by its name, so that every dispatch key has its turn.
template <class Traits, class... Arguments> auto call(const Arguments &...arguments)
{
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow(("pair_les::" + name_of<Traits>()).c_str(), "")
                                 .template typed<Signature<Traits>>();
  return handle.call(arguments...);
}

namespace operators {

inline Variables to_list(const at::Tensor &result)
{
  return {result};
}
template <class... Tensors> Variables to_list(const std::tuple<Tensors...> &results)
{
  return std::apply([](const auto &...tensors) { return Variables{tensors...}; }, results);
}

template <class Result> Result from_list(const Variables &list)
{
  if constexpr (std::is_same_v<Result, at::Tensor>)
    return list[0];
  else
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Result{list[I]...};
    }(std::make_index_sequence<std::tuple_size_v<Result>>());
}

template <class Traits, class... Arguments> auto to_save(const Arguments &...arguments)
{
  if constexpr (requires { &Traits::saved; })
    return Traits::saved(arguments...);
  else
    return std::tuple<Arguments...>(arguments...);
}

template <class... Values> void save(Context &context, const std::tuple<Values...> &values)
{
  Variables tensors;
  std::vector<c10::IValue> numbers;
  const auto append = [&](const auto &value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, at::Tensor>)
      tensors.push_back(value);
    else
      numbers.emplace_back(value);
  };
  std::apply([&](const auto &...value) { (append(value), ...); }, values);
  context.save_for_backward(std::move(tensors));
  context.saved_data["numbers"] = c10::ivalue::Tuple::create(std::move(numbers));
}

template <class... Values>
std::tuple<Values...> restore(Context &context, const std::tuple<Values...> *)
{
  const auto tensors = context.get_saved_variables();
  const auto numbers = context.saved_data["numbers"].toTuple();
  std::size_t tensor = 0, number = 0;
  const auto next = [&]<class Value>(const Value *) -> Value {
    if constexpr (std::is_same_v<Value, at::Tensor>)
      return tensors[tensor++];
    else
      return numbers->elements()[number++].template to<Value>();
  };
  return std::tuple<Values...>{next(static_cast<const Values *>(nullptr))...}; // in this order
}

inline std::int64_t as_number(const c10::SymInt &size)
{
  return size.guard_int(__FILE__, __LINE__);
}
template <class Argument> const Argument &as_number(const Argument &argument)
{
  return argument;
}

template <class Traits, class Function = Signature<Traits>> struct Kernels;

template <class Traits, class Result, class... Arguments>
struct Kernels<Traits, Result(Arguments...)> {
  using Saved = decltype(to_save<Traits>(std::declval<const std::decay_t<Arguments> &>()...));
  static constexpr std::size_t n_arguments = sizeof...(Arguments);

  struct Node : torch::autograd::Function<Node> {
    static Variables forward(Context *context, Arguments... arguments)
    {
      at::AutoDispatchBelowADInplaceOrView below;
      save(*context, to_save<Traits>(arguments...));
      return to_list(call<Traits>(arguments...));
    }
    static Variables backward(Context *context, const Variables &adjoints)
    {
      auto result = std::apply(
          [&](const auto &...saved) {
            return Traits::differentiate(Adjoints(adjoints, *context), saved...);
          },
          restore(*context, static_cast<const Saved *>(nullptr)));
      result.resize(n_arguments);
      return result;
    }
  };

  static Result compute(Arguments... arguments) { return Traits::compute(as_number(arguments)...); }
  static Result differentiable(Arguments... arguments)
  {
    return from_list<Result>(Node::apply(arguments...));
  }
};

template <class Traits> concept Differentiable = requires
{
  typename Kernels<Traits>::Saved;
}
&&Traits::differentiable;

} // namespace operators

// The kernels of operators on one more device, as long as `library` lives.
template <class... Traits> void implement(torch::Library &library)
{
  (library.impl(name_of<Traits>().c_str(), operators::Kernels<Traits>::compute), ...);
}

// Operators made known to torch. A process may hold two copies of this library (that of pip and one built by hand): the
// operators of the copy that came first serve both. TORCH_LIBRARY would end the process instead.
template <class First, class... Others> class Operators {
 public:
  Operators()
  {
    if (c10::Dispatcher::singleton().findSchema({"pair_les::" + name_of<First>(), ""})) return;
    auto &schemas = add(torch::Library::FRAGMENT, std::nullopt);
    schemas.def(First::schema);
    (schemas.def(Others::schema), ...);
    implement<First, Others...>(add(torch::Library::IMPL, c10::DispatchKey::CPU));
    auto &meta = add(torch::Library::IMPL, c10::DispatchKey::Meta);
    auto &autograd = add(torch::Library::IMPL, c10::DispatchKey::Autograd);
    add_rest<First>(meta, autograd);
    (add_rest<Others>(meta, autograd), ...);
  }

 private:
  torch::Library &add(torch::Library::Kind kind, std::optional<c10::DispatchKey> key)
  {
    return *libraries_.emplace_back(
        std::make_unique<torch::Library>(kind, "pair_les", key, __FILE__, __LINE__));
  }

  template <class Traits> static void add_rest(torch::Library &meta, torch::Library &autograd)
  {
    const auto name = name_of<Traits>();
    meta.impl(name.c_str(), &Traits::shapes);
    if constexpr (!std::is_base_of_v<NotDifferentiable, Traits>)
      autograd.impl(name.c_str(), operators::Kernels<Traits>::differentiable);
  }

  std::vector<std::unique_ptr<torch::Library>> libraries_;
};

} // namespace pair_les

#endif
