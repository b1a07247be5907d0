// SPDX-License-Identifier: MIT
// torch.ops.pair_les.messages: the sums over messages as an operator that is differentiable twice. Twin: net/messages.py.

#include "channel_padding.h"
#include "edge_offsets.h"
#include "fused_kernels.h"
#include "registration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace pair_les {

namespace {

using at::Tensor;
using Three = std::tuple<Tensor, Tensor, Tensor>;        // of edge vectors, messages and weights
using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>; // of the sums, then as Three

// What every operator here takes after its own tensors, checked.
struct Senders {
  Tensor vectors, centre, neighbour, messages, weights, harmonics;
  std::int64_t n_local;
  double cutoff;
  std::vector<std::int64_t> first = {};

  // afterwards the channels are those of full lanes
  ChannelPadding check()
  {
    const auto n_edges = vectors.size(0);
    TORCH_CHECK(vectors.dim() == 2 && vectors.size(1) == 3,
                "messages: edge_vectors must be [n_edges, 3], not ", vectors.sizes());
    for (const Tensor &index : {centre, neighbour})
      TORCH_CHECK(index.scalar_type() == at::kLong && index.numel() == n_edges,
                  "messages: centre and neighbour must be int64 [n_edges]");
    for (const Tensor &other : {messages, weights, harmonics})
      TORCH_CHECK(other.scalar_type() == vectors.scalar_type(), "messages: ", other.scalar_type(),
                  " beside edge_vectors of ", vectors.scalar_type());
    TORCH_CHECK(harmonics.dim() == 2 && harmonics.size(0) == harmonics.size(1) && l_max() > 0,
                "messages: harmonics must be 4 x 4, 9 x 9 or 16 x 16, not ", harmonics.sizes());
    const auto n_sent = messages.dim() == 3 ? messages.size(1) : 0;
    TORCH_CHECK((n_sent == 4 || n_sent == 9 || n_sent == 16) && n_sent <= harmonics.size(0),
                "messages: messages must be [n_atoms, 4, 9 or 16, n_channels], not ",
                messages.sizes());
    TORCH_CHECK(weights.dim() == 3 && weights.size(0) >= 1 && weights.size(0) <= MAX_RADIAL &&
                    weights.size(1) == l_max() + 2 && weights.size(2) == messages.size(2),
                "messages: weights must be [1 to ", MAX_RADIAL, ", ", l_max() + 2, ", ",
                messages.size(2), "], not ", weights.sizes());
    for (Tensor *tensor : {&vectors, &centre, &neighbour, &harmonics})
      *tensor = tensor->contiguous();
    const ChannelPadding lanes(messages.size(2), n_lanes());
    messages = lanes.fill(messages);
    weights = lanes.fill(weights);

    first = first_edges("messages", centre, n_local, "neighbour", neighbour, messages.size(0));
    return lanes;
  }

  int n_lanes() const
  {
    return vectors.scalar_type() == at::kDouble ? fused_kernels().messages_double.lanes
                                                : fused_kernels().messages_float.lanes;
  }

  int l_max() const
  {
    const auto n = harmonics.size(0);
    return n == 4 ? 1 : n == 9 ? 2 : n == 16 ? 3 : 0;
  }

  std::vector<std::int64_t> sums_shape() const
  {
    return {harmonics.size(0), n_local, 2 * messages.size(2)};
  }

  template <class Real> MessageEdges<Real> edges() const
  {
    return {vectors.const_data_ptr<Real>(),
            first.data(),
            neighbour.const_data_ptr<std::int64_t>(),
            messages.const_data_ptr<Real>(),
            weights.const_data_ptr<Real>(),
            harmonics.const_data_ptr<Real>(),
            n_local,
            static_cast<int>(messages.size(1)),
            static_cast<int>(messages.size(2)),
            static_cast<int>(weights.size(0)),
            l_max(),
            static_cast<Real>(cutoff)};
  }
};

template <class Real> const MessageKernels<Real> &kernels_of();
template <> const MessageKernels<float> &kernels_of()
{
  return fused_kernels().messages_float;
}
template <> const MessageKernels<double> &kernels_of()
{
  return fused_kernels().messages_double;
}

constexpr std::int64_t GRAIN = 64; // centres

// Adjoints by run(begin, end, adjoint) on ranges of centres. Centres share senders and weights, so that ranges which run at
// the same time need sums of their own.
template <class Real, class Run>
Three adjoints(const Senders &n, const ChannelPadding &lanes, bool with_weights, const Run &run)
{
  const auto vectors = at::empty_like(n.vectors);
  const std::int64_t most = std::max<std::int64_t>(1, n.n_local / GRAIN);
  const std::int64_t parts = std::min<std::int64_t>(at::get_num_threads(), most);
  std::vector<Tensor> messages, weights;
  for (std::int64_t p = 0; p < parts; ++p) {
    messages.push_back(at::zeros_like(n.messages));
    weights.push_back(with_weights ? at::zeros_like(n.weights)
                                   : at::empty({0}, n.weights.options()));
  }
  at::parallel_for(0, parts, 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t p = from; p < to; ++p) {
      const auto of_part = static_cast<std::size_t>(p);
      run(n.n_local * p / parts, n.n_local * (p + 1) / parts,
          MessageAdjoint<Real>{vectors.data_ptr<Real>(), messages[of_part].data_ptr<Real>(),
                               with_weights ? weights[of_part].data_ptr<Real>() : nullptr});
    }
  });
  for (std::size_t p = 1; p < messages.size(); ++p) {
    messages[0].add_(messages[p]);
    weights[0].add_(weights[p]);
  }
  return {vectors, lanes.cut(messages[0]), lanes.cut(weights[0])};
}

Tensor messages_cpu(const Tensor &vectors, const Tensor &centre, const Tensor &neighbour,
                    const Tensor &messages, const Tensor &weights, const Tensor &harmonics,
                    std::int64_t n_local, double cutoff)
{
  Senders n{vectors, centre, neighbour, messages, weights, harmonics, n_local, cutoff};
  const auto lanes = n.check();
  auto sums = at::empty(n.sums_shape(), vectors.options());
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "messages", [&] {
    const auto edges = n.edges<scalar_t>();
    auto *to = sums.data_ptr<scalar_t>();
    at::parallel_for(0, n_local, GRAIN, [&](auto begin, auto end) {
      kernels_of<scalar_t>().forward(edges, begin, end, to);
    });
  });
  return lanes.cut(sums, 2);
}

Three messages_backward_cpu(const Tensor &adjoint, const Tensor &vectors, const Tensor &centre,
                            const Tensor &neighbour, const Tensor &messages, const Tensor &weights,
                            const Tensor &harmonics, std::int64_t n_local, double cutoff,
                            bool with_weights)
{
  Senders n{vectors, centre, neighbour, messages, weights, harmonics, n_local, cutoff};
  const auto lanes = n.check();
  const auto g = lanes.fill(adjoint, 2);
  return AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "messages_backward", [&] {
    const auto edges = n.edges<scalar_t>();
    const auto *from = g.const_data_ptr<scalar_t>();
    return adjoints<scalar_t>(n, lanes, with_weights,
                              [&](auto begin, auto end, const MessageAdjoint<scalar_t> &to) {
                                kernels_of<scalar_t>().backward(edges, begin, end, from, to);
                              });
  });
}

Four messages_double_backward_cpu(const Tensor &vector_direction, const Tensor &message_direction,
                                  const Tensor &weight_direction, const Tensor &adjoint,
                                  const Tensor &vectors, const Tensor &centre,
                                  const Tensor &neighbour, const Tensor &messages,
                                  const Tensor &weights, const Tensor &harmonics,
                                  std::int64_t n_local, double cutoff, bool with_weights)
{
  Senders n{vectors, centre, neighbour, messages, weights, harmonics, n_local, cutoff};
  const auto lanes = n.check();
  const auto g = lanes.fill(adjoint, 2), uv = vector_direction.contiguous(),
             um = lanes.fill(message_direction), uw = lanes.fill(weight_direction);
  auto sums = at::empty(n.sums_shape(), vectors.options());
  const auto rest =
      AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "messages_double_backward", [&] {
        const auto edges = n.edges<scalar_t>();
        const MessageDirection<scalar_t> along{uv.const_data_ptr<scalar_t>(),
                                               um.const_data_ptr<scalar_t>(),
                                               uw.const_data_ptr<scalar_t>()};
        auto *to_sums = sums.data_ptr<scalar_t>();
        at::parallel_for(0, n_local, GRAIN, [&](auto begin, auto end) {
          kernels_of<scalar_t>().tangent(edges, begin, end, along, to_sums);
        });
        const auto *from = g.const_data_ptr<scalar_t>();
        return adjoints<scalar_t>(
            n, lanes, with_weights, [&](auto begin, auto end, const MessageAdjoint<scalar_t> &to) {
              kernels_of<scalar_t>().adjoint_tangent(edges, begin, end, along, from, to);
            });
      });
  return std::tuple_cat(std::make_tuple(lanes.cut(sums, 2)), rest);
}

// shapes only, for export and compilation
Tensor messages_meta(const Tensor &vectors, const Tensor &, const Tensor &, const Tensor &messages,
                     const Tensor &, const Tensor &harmonics, c10::SymInt n_local, double)
{
  return at::empty_symint({harmonics.sym_size(0), n_local, messages.sym_size(2) * 2},
                          vectors.options());
}
Three messages_backward_meta(const Tensor &, const Tensor &vectors, const Tensor &, const Tensor &,
                             const Tensor &messages, const Tensor &weights, const Tensor &,
                             c10::SymInt, double, bool with_weights)
{
  return {at::empty_like(vectors), at::empty_like(messages),
          with_weights ? at::empty_like(weights) : at::empty({0}, weights.options())};
}
Four messages_double_backward_meta(const Tensor &, const Tensor &, const Tensor &,
                                   const Tensor &adjoint, const Tensor &vectors, const Tensor &,
                                   const Tensor &, const Tensor &messages, const Tensor &weights,
                                   const Tensor &, c10::SymInt, double, bool with_weights)
{
  return {at::empty_like(adjoint), at::empty_like(vectors), at::empty_like(messages),
          with_weights ? at::empty_like(weights) : at::empty({0}, weights.options())};
}

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;
using BackwardSignature = Three(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                                const Tensor &, const Tensor &, const Tensor &, c10::SymInt, double,
                                bool);

Variables in_order(const Three &three)
{
  return {std::get<0>(three), std::get<1>(three), std::get<2>(three)};
}

// Adjoints of edge vectors, messages and weights, themselves differentiable once more.
class MessagesBackward : public torch::autograd::Function<MessagesBackward> {
 public:
  static Variables forward(Context *ctx, const Tensor &adjoint, const Tensor &vectors,
                           const Tensor &centre, const Tensor &neighbour, const Tensor &messages,
                           const Tensor &weights, const Tensor &harmonics, c10::SymInt n_local,
                           double cutoff, bool with_weights)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({adjoint, vectors, centre, neighbour, messages, weights, harmonics});
    ctx->saved_data["n_local"] = n_local;
    ctx->saved_data["cutoff"] = cutoff;
    static const auto op = operator_named<BackwardSignature>("pair_les::messages_backward");
    return in_order(op.call(adjoint, vectors, centre, neighbour, messages, weights, harmonics,
                            n_local, cutoff, with_weights));
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op =
        operator_named<Four(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                            const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                            const Tensor &, const Tensor &, c10::SymInt, double, bool)>(
            "pair_les::messages_double_backward");
    // without weights their adjoint is an empty tensor, and so is its direction
    const auto weight_direction =
        gradients[2].sym_numel() == saved[5].sym_numel() ? gradients[2] : at::zeros_like(saved[5]);
    const bool with_weights = ctx->needs_input_grad(5);
    const auto [sums, vectors, messages, weights] =
        op.call(gradients[0], gradients[1], weight_direction, saved[0], saved[1], saved[2],
                saved[3], saved[4], saved[5], saved[6], ctx->saved_data["n_local"].toSymInt(),
                ctx->saved_data["cutoff"].toDouble(), with_weights);
    return {sums, vectors, {}, {}, messages, with_weights ? weights : Tensor(), {}, {}, {}, {}};
  }
};

Three messages_backward_autograd(const Tensor &adjoint, const Tensor &vectors, const Tensor &centre,
                                 const Tensor &neighbour, const Tensor &messages,
                                 const Tensor &weights, const Tensor &harmonics,
                                 c10::SymInt n_local, double cutoff, bool with_weights)
{
  const auto results = MessagesBackward::apply(adjoint, vectors, centre, neighbour, messages,
                                               weights, harmonics, n_local, cutoff, with_weights);
  return {results[0], results[1], results[2]};
}

class Messages : public torch::autograd::Function<Messages> {
 public:
  static Tensor forward(Context *ctx, const Tensor &vectors, const Tensor &centre,
                        const Tensor &neighbour, const Tensor &messages, const Tensor &weights,
                        const Tensor &harmonics, c10::SymInt n_local, double cutoff)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({vectors, centre, neighbour, messages, weights, harmonics});
    ctx->saved_data["n_local"] = n_local;
    ctx->saved_data["cutoff"] = cutoff;
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              const Tensor &, const Tensor &, c10::SymInt, double)>(
            "pair_les::messages");
    return op.call(vectors, centre, neighbour, messages, weights, harmonics, n_local, cutoff);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op = operator_named<BackwardSignature>("pair_les::messages_backward");
    const bool with_weights = ctx->needs_input_grad(4);
    const auto [vectors, messages, weights] = op.call(
        gradients[0], saved[0], saved[1], saved[2], saved[3], saved[4], saved[5],
        ctx->saved_data["n_local"].toSymInt(), ctx->saved_data["cutoff"].toDouble(), with_weights);
    return {vectors, {}, {}, messages, with_weights ? weights : Tensor(), {}, {}, {}};
  }
};

Tensor messages_autograd(const Tensor &vectors, const Tensor &centre, const Tensor &neighbour,
                         const Tensor &messages, const Tensor &weights, const Tensor &harmonics,
                         c10::SymInt n_local, double cutoff)
{
  return Messages::apply(vectors, centre, neighbour, messages, weights, harmonics, n_local, cutoff);
}

const Registration registration =
    Registration("messages")
        .define([](torch::Library &library) {
          library.def(
              "messages(Tensor edge_vectors, Tensor centre, Tensor neighbour, Tensor messages, "
              "Tensor weights, Tensor harmonics, SymInt n_local, float cutoff) -> Tensor");
          library.def(
              "messages_backward(Tensor adjoint, Tensor edge_vectors, Tensor centre, "
              "Tensor neighbour, Tensor messages, Tensor weights, Tensor harmonics, "
              "SymInt n_local, float cutoff, bool with_weights) -> (Tensor, Tensor, Tensor)");
          library.def(
              "messages_double_backward(Tensor vector_direction, Tensor message_direction, "
              "Tensor weight_direction, Tensor adjoint, Tensor edge_vectors, Tensor centre, "
              "Tensor neighbour, Tensor messages, Tensor weights, Tensor harmonics, SymInt "
              "n_local, "
              "float cutoff, bool with_weights) -> (Tensor, Tensor, Tensor, Tensor)");
        })
        .implement(c10::DispatchKey::CPU,
                   [](torch::Library &library) {
                     library.impl("messages", messages_cpu);
                     library.impl("messages_backward", messages_backward_cpu);
                     library.impl("messages_double_backward", messages_double_backward_cpu);
                   })
        .implement(c10::DispatchKey::Meta,
                   [](torch::Library &library) {
                     library.impl("messages", messages_meta);
                     library.impl("messages_backward", messages_backward_meta);
                     library.impl("messages_double_backward", messages_double_backward_meta);
                   })
        .implement(c10::DispatchKey::Autograd, [](torch::Library &library) {
          library.impl("messages", messages_autograd);
          library.impl("messages_backward", messages_backward_autograd);
        });

} // namespace

} // namespace pair_les
