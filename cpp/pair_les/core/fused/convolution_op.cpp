// SPDX-License-Identifier: MIT
// torch.ops.pair_les.convolution: sums over messages with radial functions from a table, as an operator that is differentiable
// once in edge vectors and messages. Twin: convert/fused/convolution.py.

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

constexpr int TABLE_DERIVATIVES = TABLE_ROWS / 2; // values included

struct Sum {
  Tensor vectors, center, neighbor, messages, table, table_of_edge, couplings, degrees;
  std::int64_t n_local;
  double cutoff;
  Tensor offsets = {}; // [n_local + 1] first edge of each center
  std::int64_t n_rows = 0;

  void check()
  {
    const auto n_edges = vectors.size(0);
    TORCH_CHECK(vectors.dim() == 2 && vectors.size(1) == 3,
                "convolution: edge_vectors must be [n_edges, 3], not ", vectors.sizes());
    for (const Tensor &index : {center, neighbor})
      TORCH_CHECK(index.scalar_type() == at::kLong && index.numel() == n_edges,
                  "convolution: center and neighbor must be int64 [n_edges]");
    TORCH_CHECK(table_of_edge.scalar_type() == at::kLong &&
                    (table_of_edge.numel() == n_edges || table_of_edge.numel() == 0),
                "convolution: table_of_edge must be int64 [n_edges], or empty");
    for (const Tensor &other : {messages, table, couplings})
      TORCH_CHECK(other.scalar_type() == vectors.scalar_type(),
                  "convolution: ", other.scalar_type(), " beside edge_vectors of ",
                  vectors.scalar_type());
    TORCH_CHECK(messages.dim() == 3 && messages.size(2) % CHANNEL_STEP == 0,
                "convolution: messages must be [n_atoms, n_sent, n_channels] with a multiple of ",
                CHANNEL_STEP, " channels, not ", messages.sizes());
    TORCH_CHECK(degrees.scalar_type() == at::kLong && degrees.dim() == 2 && degrees.size(1) == 2,
                "convolution: degrees must be int64 [n_paths, 2], not ", degrees.sizes());
    TORCH_CHECK(table.dim() == 5 && table.size(1) >= 2 && table.size(2) == TABLE_DERIVATIVES &&
                    table.size(3) == degrees.size(0) && table.size(4) == messages.size(2),
                "convolution: table must be [n_tables, n_knots, ", TABLE_DERIVATIVES, ", ",
                degrees.size(0), ", ", messages.size(2), "], not ", table.sizes());
    for (Tensor *tensor :
         {&vectors, &center, &neighbor, &messages, &table, &table_of_edge, &couplings, &degrees})
      *tensor = tensor->contiguous();
    check_paths();
    if (table_of_edge.numel() > 0)
      TORCH_CHECK(table_of_edge.min().item<std::int64_t>() >= 0 &&
                      table_of_edge.max().item<std::int64_t>() < table.size(0),
                  "convolution: table_of_edge must be from 0 to ", table.size(0) - 1);
    offsets = edge_offsets("convolution", center, n_local, "neighbor", neighbor, messages.size(0));
  }

  template <class Real> ConvolutionEdges<Real> edges() const
  {
    return {vectors.const_data_ptr<Real>(),
            offsets.const_data_ptr<std::int64_t>(),
            neighbor.const_data_ptr<std::int64_t>(),
            table_of_edge.numel() > 0 ? table_of_edge.const_data_ptr<std::int64_t>() : nullptr,
            messages.const_data_ptr<Real>(),
            table.const_data_ptr<Real>(),
            couplings.const_data_ptr<Real>(),
            degrees.const_data_ptr<std::int64_t>(),
            n_local,
            messages.size(2),
            static_cast<int>(messages.size(1)),
            static_cast<int>(degrees.size(0)),
            static_cast<int>(table.size(1)),
            static_cast<int>(couplings.size(0)),
            static_cast<int>(n_rows),
            l_max_of(couplings.size(1)),
            static_cast<Real>(cutoff)};
  }

 private:
  void check_paths()
  {
    const auto *path = degrees.const_data_ptr<std::int64_t>();
    std::int64_t n_entries = 0;
    for (std::int64_t p = 0; p < degrees.size(0); ++p) {
      const auto sent = path[2 * p], received = path[2 * p + 1];
      TORCH_CHECK(sent >= 0 && sent <= MAX_L && received >= 0 && received <= MAX_L &&
                      (sent + 1) * (sent + 1) <= messages.size(1),
                  "convolution: degrees[", p, "] = (", sent, ", ", received,
                  "): must be from 0 to ", MAX_L, " and among the messages");
      n_entries += (2 * sent + 1) * (2 * received + 1);
      n_rows += 2 * received + 1;
    }
    TORCH_CHECK(
        couplings.dim() == 2 && couplings.size(0) == n_entries && l_max_of(couplings.size(1)) > 0,
        "convolution: couplings must be [", n_entries, ", 4, 9 or 16], not ", couplings.sizes());
  }
};

struct ConvolutionBackward {
  static constexpr const char *schema =
      "convolution_backward(Tensor adjoint, Tensor edge_vectors, Tensor center, Tensor neighbor, "
      "Tensor messages, Tensor table, Tensor table_of_edge, Tensor couplings, Tensor degrees, "
      "SymInt n_local, float cutoff, bool with_messages) -> (Tensor, Tensor)";

  static std::tuple<Tensor, Tensor> shapes(const Tensor &, const Tensor &vectors, const Tensor &,
                                           const Tensor &, const Tensor &messages, const Tensor &,
                                           const Tensor &, const Tensor &, const Tensor &,
                                           c10::SymInt, double, bool with_messages)
  {
    return {at::empty_like(vectors),
            with_messages ? at::empty_like(messages) : at::empty({0}, messages.options())};
  }

  static std::tuple<Tensor, Tensor> compute(const Tensor &adjoint, const Tensor &vectors,
                                            const Tensor &center, const Tensor &neighbor,
                                            const Tensor &messages, const Tensor &table,
                                            const Tensor &table_of_edge, const Tensor &couplings,
                                            const Tensor &degrees, std::int64_t n_local,
                                            double cutoff, bool with_messages)
  {
    Sum sum{vectors,       center,    neighbor, messages, table,
            table_of_edge, couplings, degrees,  n_local,  cutoff};
    sum.check();
    const auto from = adjoint.contiguous();
    const auto of_vectors = at::empty_like(sum.vectors);
    // centers share senders: ranges that run at the same time need adjoints of their own
    const std::int64_t most = std::max<std::int64_t>(1, n_local / ATOMS_PER_TASK);
    const std::int64_t parts = std::min<std::int64_t>(at::get_num_threads(), most);
    std::vector<Tensor> of_messages;
    for (std::int64_t p = 0; p < parts; ++p)
      of_messages.push_back(with_messages ? at::zeros_like(sum.messages)
                                          : at::empty({0}, messages.options()));
    AT_DISPATCH_FLOATING_TYPES(sum.vectors.scalar_type(), "convolution_backward", [&] {
      const auto edges = sum.edges<scalar_t>();
      const auto *g = from.const_data_ptr<scalar_t>();
      auto *to_vectors = of_vectors.data_ptr<scalar_t>();
      at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
        std::vector<scalar_t> scratch(
            static_cast<std::size_t>(convolution_scratch_size<scalar_t>(edges)));
        for (std::int64_t p = begin; p < end; ++p) {
          auto *to_messages = with_messages
                                  ? of_messages[static_cast<std::size_t>(p)].data_ptr<scalar_t>()
                                  : nullptr;
          fused_kernels<scalar_t>().convolution.backward(edges, n_local * p / parts,
                                                         n_local * (p + 1) / parts, scratch.data(),
                                                         g, to_vectors, to_messages);
        }
      });
    });
    for (std::size_t p = 1; p < of_messages.size(); ++p) of_messages[0].add_(of_messages[p]);
    return {of_vectors, of_messages[0]};
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &, const Arguments &...)
  {
    TORCH_CHECK(false, "convolution: has first derivatives only; set PAIR_LES_FUSED=0 in the ",
                "environment for the plain torch form");
    return {};
  }
};

struct Convolution {
  static constexpr const char *schema =
      "convolution(Tensor edge_vectors, Tensor center, Tensor neighbor, Tensor messages, "
      "Tensor table, Tensor table_of_edge, Tensor couplings, Tensor degrees, SymInt n_local, "
      "float cutoff) -> Tensor";

  // The number of rows is known from the values of `degrees` alone.
  static Tensor shapes(const Tensor &vectors, const Tensor &, const Tensor &, const Tensor &,
                       const Tensor &, const Tensor &, const Tensor &, const Tensor &, c10::SymInt,
                       double)
  {
    TORCH_CHECK(false,
                "convolution: cannot be traced; set PAIR_LES_FUSED=0 in the environment for ",
                "the plain torch form");
    return vectors;
  }

  template <class... Arguments> static Tensor compute(const Arguments &...arguments)
  {
    Sum sum{arguments...};
    sum.check();
    auto result = at::empty({sum.n_rows, sum.n_local, sum.messages.size(2)}, sum.vectors.options());
    AT_DISPATCH_FLOATING_TYPES(sum.vectors.scalar_type(), "convolution", [&] {
      const auto edges = sum.edges<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      at::parallel_for(0, sum.n_local, ATOMS_PER_TASK, [&](auto begin, auto end) {
        std::vector<scalar_t> scratch(
            static_cast<std::size_t>(convolution_scratch_size<scalar_t>(edges)));
        fused_kernels<scalar_t>().convolution.forward(edges, begin, end, scratch.data(), to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    TORCH_CHECK(!adjoints.needed(4), "convolution: the table has no derivatives; set ",
                "PAIR_LES_FUSED=0 in the environment for the plain torch form");
    const bool with_messages = adjoints.needed(3);
    const auto [vectors, messages] =
        call<ConvolutionBackward>(adjoints[0], arguments..., with_messages);
    return {vectors, {}, {}, with_messages ? messages : Tensor()};
  }
};

const Operators<Convolution, ConvolutionBackward> convolution_operators;

} // namespace

} // namespace pair_les
