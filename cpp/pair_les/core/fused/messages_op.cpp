// SPDX-License-Identifier: MIT
// torch.ops.pair_les.messages: the sums over messages as an operator that is differentiable twice. Twin: net/messages.py.

#include "channel_padding.h"
#include "edge_offsets.h"
#include "fused_kernels.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace pair_les {

namespace {

using at::Tensor;
using Three = std::tuple<Tensor, Tensor, Tensor>;        // of edge vectors, messages and weights
using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>; // of the sums, then as Three

// The arguments that all these operators share, checked.
struct Senders {
  Tensor vectors, center, neighbor, messages, weights, harmonics;
  std::int64_t n_local;
  double cutoff;
  Tensor offsets = {}; // [n_local + 1] first edge of each center

  // Pads the channels of messages and weights.
  ChannelPadding check()
  {
    const auto n_edges = vectors.size(0);
    TORCH_CHECK(vectors.dim() == 2 && vectors.size(1) == 3,
                "messages: edge_vectors must be [n_edges, 3], not ", vectors.sizes());
    for (const Tensor &index : {center, neighbor})
      TORCH_CHECK(index.scalar_type() == at::kLong && index.numel() == n_edges,
                  "messages: center and neighbor must be int64 [n_edges]");
    for (const Tensor &other : {messages, weights, harmonics})
      TORCH_CHECK(other.scalar_type() == vectors.scalar_type(), "messages: ", other.scalar_type(),
                  " beside edge_vectors of ", vectors.scalar_type());
    const int l_max = l_max_of(harmonics.dim() == 2 ? harmonics.size(0) : 0);
    TORCH_CHECK(l_max > 0 && harmonics.size(0) == harmonics.size(1),
                "messages: harmonics must be 4 x 4, 9 x 9 or 16 x 16, not ", harmonics.sizes());
    const auto n_sent = messages.dim() == 3 ? messages.size(1) : 0;
    TORCH_CHECK((n_sent == 4 || n_sent == 9 || n_sent == 16) && n_sent <= harmonics.size(0),
                "messages: messages must be [n_atoms, 4, 9 or 16, n_channels], not ",
                messages.sizes());
    TORCH_CHECK(weights.dim() == 3 && weights.size(0) >= 1 && weights.size(0) <= MAX_RADIAL &&
                    weights.size(1) == l_max + 2 && weights.size(2) == messages.size(2),
                "messages: weights must be [1 to ", MAX_RADIAL, ", ", l_max + 2, ", ",
                messages.size(2), "], not ", weights.sizes());
    for (Tensor *tensor : {&vectors, &center, &neighbor, &harmonics})
      *tensor = tensor->contiguous();
    const ChannelPadding padding(messages.size(2), n_lanes());
    messages = padding.fill(messages);
    weights = padding.fill(weights);

    offsets = edge_offsets("messages", center, n_local, "neighbor", neighbor, messages.size(0));
    return padding;
  }

  int n_lanes() const
  {
    return vectors.scalar_type() == at::kDouble ? fused_kernels<double>().messages.lanes
                                                : fused_kernels<float>().messages.lanes;
  }

  Tensor empty_sums() const
  {
    return at::empty({harmonics.size(0), n_local, 2 * messages.size(2)}, vectors.options());
  }

  template <class Real> MessageEdges<Real> edges() const
  {
    return {vectors.const_data_ptr<Real>(),
            offsets.const_data_ptr<std::int64_t>(),
            neighbor.const_data_ptr<std::int64_t>(),
            messages.const_data_ptr<Real>(),
            weights.const_data_ptr<Real>(),
            harmonics.const_data_ptr<Real>(),
            n_local,
            static_cast<int>(messages.size(1)),
            static_cast<int>(messages.size(2)),
            static_cast<int>(weights.size(0)),
            l_max_of(harmonics.size(0)),
            static_cast<Real>(cutoff)};
  }
};

// Adjoints by run(begin, end, adjoint) on ranges of centers. Centers share senders and weights, so that ranges which run at
// the same time need sums of their own.
template <class Real, class Run>
Three adjoints(const Senders &n, const ChannelPadding &padding, bool with_weights, const Run &run)
{
  const auto vectors = at::empty_like(n.vectors);
  const std::int64_t most = std::max<std::int64_t>(1, n.n_local / ATOMS_PER_TASK);
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
  return {vectors, padding.cut(messages[0]), padding.cut(weights[0])};
}

// without weights their adjoint is an empty tensor
Tensor empty_weights(const Tensor &weights, bool with_weights)
{
  return with_weights ? at::empty_like(weights) : at::empty({0}, weights.options());
}

struct MessagesDoubleBackward : NotDifferentiable {
  static constexpr const char *schema =
      "messages_double_backward(Tensor vector_direction, Tensor message_direction, "
      "Tensor weight_direction, Tensor adjoint, Tensor edge_vectors, Tensor center, "
      "Tensor neighbor, Tensor messages, Tensor weights, Tensor harmonics, SymInt n_local, "
      "float cutoff, bool with_weights) -> (Tensor, Tensor, Tensor, Tensor)";

  static Four shapes(const Tensor &, const Tensor &, const Tensor &, const Tensor &adjoint,
                     const Tensor &vectors, const Tensor &, const Tensor &, const Tensor &messages,
                     const Tensor &weights, const Tensor &, c10::SymInt, double, bool with_weights)
  {
    return {at::empty_like(adjoint), at::empty_like(vectors), at::empty_like(messages),
            empty_weights(weights, with_weights)};
  }

  static Four compute(const Tensor &vector_direction, const Tensor &message_direction,
                      const Tensor &weight_direction, const Tensor &adjoint, const Tensor &vectors,
                      const Tensor &center, const Tensor &neighbor, const Tensor &messages,
                      const Tensor &weights, const Tensor &harmonics, std::int64_t n_local,
                      double cutoff, bool with_weights)
  {
    Senders n{vectors, center, neighbor, messages, weights, harmonics, n_local, cutoff};
    const auto padding = n.check();
    const auto g = padding.fill(adjoint, 2), uv = vector_direction.contiguous(),
               um = padding.fill(message_direction), uw = padding.fill(weight_direction);
    auto sums = n.empty_sums();
    const auto rest =
        AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "messages_double_backward", [&] {
          const auto &kernels = fused_kernels<scalar_t>().messages;
          const auto edges = n.edges<scalar_t>();
          const MessageDirection<scalar_t> along{uv.const_data_ptr<scalar_t>(),
                                                 um.const_data_ptr<scalar_t>(),
                                                 uw.const_data_ptr<scalar_t>()};
          auto *to_sums = sums.data_ptr<scalar_t>();
          at::parallel_for(0, n_local, ATOMS_PER_TASK, [&](auto begin, auto end) {
            kernels.tangent(edges, begin, end, along, to_sums);
          });
          const auto *from = g.const_data_ptr<scalar_t>();
          return adjoints<scalar_t>(n, padding, with_weights,
                                    [&](auto begin, auto end, const MessageAdjoint<scalar_t> &to) {
                                      kernels.adjoint_tangent(edges, begin, end, along, from, to);
                                    });
        });
    return std::tuple_cat(std::make_tuple(padding.cut(sums, 2)), rest);
  }
};

// Adjoints of edge vectors, messages and weights.
struct MessagesBackward {
  static constexpr const char *schema =
      "messages_backward(Tensor adjoint, Tensor edge_vectors, Tensor center, Tensor neighbor, "
      "Tensor messages, Tensor weights, Tensor harmonics, SymInt n_local, float cutoff, "
      "bool with_weights) -> (Tensor, Tensor, Tensor)";

  static Three shapes(const Tensor &, const Tensor &vectors, const Tensor &, const Tensor &,
                      const Tensor &messages, const Tensor &weights, const Tensor &, c10::SymInt,
                      double, bool with_weights)
  {
    return {at::empty_like(vectors), at::empty_like(messages),
            empty_weights(weights, with_weights)};
  }

  static Three compute(const Tensor &adjoint, const Tensor &vectors, const Tensor &center,
                       const Tensor &neighbor, const Tensor &messages, const Tensor &weights,
                       const Tensor &harmonics, std::int64_t n_local, double cutoff,
                       bool with_weights)
  {
    Senders n{vectors, center, neighbor, messages, weights, harmonics, n_local, cutoff};
    const auto padding = n.check();
    const auto g = padding.fill(adjoint, 2);
    return AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "messages_backward", [&] {
      const auto edges = n.edges<scalar_t>();
      const auto *from = g.const_data_ptr<scalar_t>();
      return adjoints<scalar_t>(
          n, padding, with_weights, [&](auto begin, auto end, const MessageAdjoint<scalar_t> &to) {
            fused_kernels<scalar_t>().messages.backward(edges, begin, end, from, to);
          });
    });
  }

  static Variables differentiate(const Adjoints &direction, const Tensor &adjoint,
                                 const Tensor &vectors, const Tensor &center,
                                 const Tensor &neighbor, const Tensor &messages,
                                 const Tensor &weights, const Tensor &harmonics,
                                 const c10::SymInt &n_local, double cutoff, bool)
  {
    const bool with_weights = direction.needed(5);
    // the direction of an adjoint that is empty is empty, too
    const auto weight_direction =
        direction[2].sym_numel() == weights.sym_numel() ? direction[2] : at::zeros_like(weights);
    const auto [of_adjoint, of_vectors, of_messages, of_weights] = call<MessagesDoubleBackward>(
        direction[0], direction[1], weight_direction, adjoint, vectors, center, neighbor, messages,
        weights, harmonics, n_local, cutoff, with_weights);
    return {of_adjoint, of_vectors, {}, {}, of_messages, with_weights ? of_weights : Tensor()};
  }
};

struct Messages {
  static constexpr const char *schema =
      "messages(Tensor edge_vectors, Tensor center, Tensor neighbor, Tensor messages, "
      "Tensor weights, Tensor harmonics, SymInt n_local, float cutoff) -> Tensor";

  static Tensor shapes(const Tensor &vectors, const Tensor &, const Tensor &,
                       const Tensor &messages, const Tensor &, const Tensor &harmonics,
                       c10::SymInt n_local, double)
  {
    return at::empty_symint({harmonics.sym_size(0), n_local, messages.sym_size(2) * 2},
                            vectors.options());
  }

  template <class... Arguments> static Tensor compute(const Arguments &...arguments)
  {
    Senders n{arguments...};
    const auto padding = n.check();
    auto sums = n.empty_sums();
    AT_DISPATCH_FLOATING_TYPES(n.vectors.scalar_type(), "messages", [&] {
      const auto edges = n.edges<scalar_t>();
      auto *to = sums.data_ptr<scalar_t>();
      at::parallel_for(0, n.n_local, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().messages.forward(edges, begin, end, to);
      });
    });
    return padding.cut(sums, 2);
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    const bool with_weights = adjoints.needed(4);
    const auto [vectors, messages, weights] =
        call<MessagesBackward>(adjoints[0], arguments..., with_weights);
    return {vectors, {}, {}, messages, with_weights ? weights : Tensor()};
  }
};

const Operators<Messages, MessagesBackward, MessagesDoubleBackward> messages_operators;

} // namespace

} // namespace pair_les
