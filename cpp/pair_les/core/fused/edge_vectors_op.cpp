// SPDX-License-Identifier: MIT
// torch.ops.pair_les.edge_vectors: x_j - x_i + shift of each edge, rounded to another precision, as one loop over the edges
// forward and one backward. It is linear, so that these two are each other's derivatives. Twin: net/edge_vectors.py.

#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <optional>

namespace pair_les {

namespace {

using at::Tensor;

constexpr std::int64_t EDGES_PER_TASK = 4096;

// Atoms of the edges. Checked where they are read.
struct Pairs {
  Tensor index;
  std::int64_t n_edges, n_atoms;
  const std::int64_t *center, *neighbor;

  Pairs(const Tensor &edge_index, std::int64_t n_atoms_) : n_atoms(n_atoms_)
  {
    TORCH_CHECK(edge_index.dim() == 2 && edge_index.size(0) == 2 &&
                    edge_index.scalar_type() == at::kLong,
                "edge_vectors: edge_index must be int64 [2, n_edges], not ",
                edge_index.scalar_type(), " ", edge_index.sizes());
    index = edge_index.contiguous();
    n_edges = index.size(1);
    center = index.const_data_ptr<std::int64_t>();
    neighbor = center + n_edges;
  }

  bool known(std::int64_t e) const
  {
    const auto n = static_cast<std::uint64_t>(n_atoms); // negative numbers are larger
    return static_cast<std::uint64_t>(center[e]) < n && static_cast<std::uint64_t>(neighbor[e]) < n;
  }
  void check(std::int64_t e) const
  {
    TORCH_CHECK(known(e), "edge_vectors: atoms ", center[e], " and ", neighbor[e], " of edge ", e,
                ": must be from 0 to ", n_atoms - 1);
  }
};

struct EdgeVectors {
  static constexpr const char *schema =
      "edge_vectors(Tensor positions, Tensor edge_index, Tensor? shifts, ScalarType dtype) "
      "-> Tensor";

  static Tensor shapes(const Tensor &positions, const Tensor &edge_index,
                       const std::optional<Tensor> &, at::ScalarType dtype)
  {
    return at::empty_symint({edge_index.sym_size(1), 3}, positions.options().dtype(dtype));
  }

  static Tensor compute(const Tensor &positions, const Tensor &edge_index,
                        const std::optional<Tensor> &shifts, at::ScalarType dtype)
  {
    TORCH_CHECK(positions.dim() == 2 && positions.size(1) == 3,
                "edge_vectors: positions must be [n_atoms, 3], not ", positions.sizes());
    const Pairs pairs(edge_index, positions.size(0));
    const auto x = positions.contiguous();
    Tensor shift;
    if (shifts) {
      TORCH_CHECK(shifts->dim() == 2 && shifts->size(0) == pairs.n_edges && shifts->size(1) == 3 &&
                      shifts->scalar_type() == positions.scalar_type(),
                  "edge_vectors: shifts must be [", pairs.n_edges, ", 3] of ",
                  positions.scalar_type(), ", not ", shifts->sizes(), " of ",
                  shifts->scalar_type());
      shift = shifts->contiguous();
    }
    auto vectors = at::empty({pairs.n_edges, 3}, positions.options().dtype(dtype));
    AT_DISPATCH_FLOATING_TYPES(positions.scalar_type(), "edge_vectors", [&] {
      using From = scalar_t;
      const auto *at = x.const_data_ptr<From>();
      const auto *by = shift.defined() ? shift.const_data_ptr<From>() : nullptr;
      AT_DISPATCH_FLOATING_TYPES(dtype, "edge_vectors", [&] {
        auto *to = vectors.data_ptr<scalar_t>();
        at::parallel_for(
            0, pairs.n_edges, EDGES_PER_TASK, [&](std::int64_t begin, std::int64_t end) {
              for (std::int64_t e = begin; e < end; ++e) {
                pairs.check(e);
                const From *i = at + 3 * pairs.center[e], *j = at + 3 * pairs.neighbor[e];
                for (int d = 0; d < 3; ++d) {
                  const From vector = by ? j[d] - i[d] + by[3 * e + d] : j[d] - i[d];
                  to[3 * e + d] = static_cast<scalar_t>(vector);
                }
              }
            });
      });
    });
    return vectors;
  }

  // Not the positions: the derivative does not depend on them.
  static std::tuple<Tensor, c10::SymInt, bool, at::ScalarType>
  saved(const Tensor &positions, const Tensor &edge_index, const std::optional<Tensor> &shifts,
        at::ScalarType)
  {
    return {edge_index, positions.sym_size(0), shifts.has_value(), positions.scalar_type()};
  }
  static Variables differentiate(const Adjoints &adjoints, const Tensor &edge_index,
                                 const c10::SymInt &n_atoms, bool has_shifts, at::ScalarType dtype);
};

struct EdgeVectorsBackward {
  static constexpr const char *schema =
      "edge_vectors_backward(Tensor adjoint, Tensor edge_index, SymInt n_atoms, ScalarType dtype) "
      "-> Tensor";

  static Tensor shapes(const Tensor &adjoint, const Tensor &, c10::SymInt n_atoms,
                       at::ScalarType dtype)
  {
    return at::empty_symint({n_atoms, 3}, adjoint.options().dtype(dtype));
  }

  // One thread: two edges may end at the same atom.
  static Tensor compute(const Tensor &adjoint, const Tensor &edge_index, std::int64_t n_atoms,
                        at::ScalarType dtype)
  {
    const Pairs pairs(edge_index, n_atoms);
    TORCH_CHECK(adjoint.dim() == 2 && adjoint.size(0) == pairs.n_edges && adjoint.size(1) == 3,
                "edge_vectors: the adjoint must be [", pairs.n_edges, ", 3], not ",
                adjoint.sizes());
    const auto g = adjoint.contiguous();
    auto result = at::zeros({n_atoms, 3}, adjoint.options().dtype(dtype));
    AT_DISPATCH_FLOATING_TYPES(adjoint.scalar_type(), "edge_vectors_backward", [&] {
      const auto *from = g.const_data_ptr<scalar_t>();
      AT_DISPATCH_FLOATING_TYPES(dtype, "edge_vectors_backward", [&] {
        auto *to = result.data_ptr<scalar_t>();
        std::int64_t e = 0;
        while (e < pairs.n_edges) {
          // edges of one center follow each other
          const std::int64_t center = pairs.center[e];
          scalar_t sum[3] = {};
          for (; e < pairs.n_edges && pairs.center[e] == center; ++e) {
            pairs.check(e);
            scalar_t *const target = to + 3 * pairs.neighbor[e];
            for (int d = 0; d < 3; ++d) {
              const auto value = static_cast<scalar_t>(from[3 * e + d]);
              target[d] += value;
              sum[d] += value;
            }
          }
          for (int d = 0; d < 3; ++d) to[3 * center + d] -= sum[d];
        }
      });
    });
    return result;
  }

  static std::tuple<Tensor, at::ScalarType> saved(const Tensor &adjoint, const Tensor &edge_index,
                                                  const c10::SymInt &, at::ScalarType)
  {
    return {edge_index, adjoint.scalar_type()};
  }
  static Variables differentiate(const Adjoints &direction, const Tensor &edge_index,
                                 at::ScalarType dtype)
  {
    return {call<EdgeVectors>(direction[0], edge_index, std::nullopt, dtype)};
  }
};

Variables EdgeVectors::differentiate(const Adjoints &adjoints, const Tensor &edge_index,
                                     const c10::SymInt &n_atoms, bool has_shifts,
                                     at::ScalarType dtype)
{
  Tensor positions, shifts;
  if (adjoints.needed(0))
    positions = call<EdgeVectorsBackward>(adjoints[0], edge_index, n_atoms, dtype);
  if (has_shifts && adjoints.needed(2)) shifts = adjoints[0].to(dtype);
  return {positions, {}, shifts};
}

const Operators<EdgeVectors, EdgeVectorsBackward> edge_vectors_operators;

} // namespace

} // namespace pair_les
