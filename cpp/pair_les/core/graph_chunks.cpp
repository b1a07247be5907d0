// SPDX-License-Identifier: MIT

#include "graph_chunks.h"

#include <algorithm>

namespace pair_les {

namespace {

// Nobody writes through these tensors; from_blob knows no constant memory.
torch::Tensor view(const void *data, at::IntArrayRef shape, torch::ScalarType type,
                   const torch::Device &device)
{
  return torch::from_blob(const_cast<void *>(data), shape, torch::dtype(type).device(device));
}

} // namespace

GraphCutter::GraphCutter(const GraphView &graph, std::int64_t most, torch::ScalarType dtype,
                         const torch::Device &device) :
    graph_(graph), dtype_(dtype), device_(device),
    n_chunks_((graph.arrays.n_local + most - 1) / most)
{
  if (n_chunks_ > 1) local_index_.assign(static_cast<std::size_t>(graph.arrays.n_nodes), -1);
}

GraphChunk GraphCutter::next()
{
  const DeviceGraph &all = graph_.arrays;
  GraphChunk chunk;
  chunk.first_atom = all.n_local * next_ / n_chunks_;
  const std::int64_t end = all.n_local * ++next_ / n_chunks_;
  chunk.n_atoms = end - chunk.first_atom;
  // the last chunk has every edge that is left: a graph may have centers that are ghosts
  chunk.first_edge = edge_;
  edge_ = at_end()
              ? all.n_edges
              : std::lower_bound(all.center + edge_, all.center + all.n_edges, end) - all.center;
  chunk.n_edges = edge_ - chunk.first_edge;
  const auto size = static_cast<std::int64_t>(torch::elementSize(graph_.vector_type));
  chunk.edge_vectors =
      tensor(static_cast<const char *>(all.edge_vectors) + 3 * size * chunk.first_edge,
             {chunk.n_edges, 3}, graph_.vector_type, dtype_)
          .requires_grad_(true);
  if (n_chunks_ == 1) {
    chunk.species = tensor(all.species, {all.n_nodes}, torch::kInt64, torch::kInt64);
    chunk.edge_index = whole_edge_index();
  } else
    fill_part(chunk);
  return chunk;
}

// On the device in type `to`, and apart from the memory of the caller if that is on the host.
torch::Tensor GraphCutter::tensor(const void *data, at::IntArrayRef shape, torch::ScalarType from,
                                  torch::ScalarType to) const
{
  if (graph_.on_device) return view(data, shape, from, device_);
  return view(data, shape, from, torch::kCPU)
      .to(device_, to, /*non_blocking=*/false, /*copy=*/true);
}

torch::Tensor GraphCutter::whole_edge_index() const
{
  const DeviceGraph &all = graph_.arrays;
  const auto rows = [&](const std::int64_t *data, std::int64_t n_rows) {
    const auto where = graph_.on_device ? device_ : torch::Device(torch::kCPU);
    return view(data, {n_rows, all.n_edges}, torch::kInt64, where);
  };
  // rows that follow each other: no copy. The contract promises contiguous tensors
  if (graph_.on_device && all.neighbor == all.center + all.n_edges) return rows(all.center, 2);
  return torch::cat({rows(all.center, 1), rows(all.neighbor, 1)}).to(device_);
}

void GraphCutter::fill_part(GraphChunk &chunk)
{
  const DeviceGraph &all = graph_.arrays;
  const auto local_index_of = [this](std::int64_t node) {
    auto &index = local_index_[static_cast<std::size_t>(node)];
    if (index < 0) {
      index = static_cast<std::int64_t>(nodes_.size());
      nodes_.push_back(node);
    }
    return index;
  };
  for (std::int64_t i = 0; i < chunk.n_atoms; ++i) local_index_of(chunk.first_atom + i);
  chunk.edge_index = torch::empty({2, chunk.n_edges}, torch::kInt64);
  auto *center = chunk.edge_index.data_ptr<std::int64_t>();
  auto *neighbor = center + chunk.n_edges;
  for (std::int64_t e = 0; e < chunk.n_edges; ++e) {
    center[e] = all.center[chunk.first_edge + e] - chunk.first_atom;
    neighbor[e] = local_index_of(all.neighbor[chunk.first_edge + e]);
  }
  chunk.nodes = torch::empty({static_cast<std::int64_t>(nodes_.size())}, torch::kInt64);
  std::copy(nodes_.begin(), nodes_.end(), chunk.nodes.data_ptr<std::int64_t>());
  chunk.species = torch::empty_like(chunk.nodes);
  auto *species = chunk.species.data_ptr<std::int64_t>();
  for (const auto node : nodes_) {
    *species++ = all.species[node];
    local_index_[static_cast<std::size_t>(node)] = -1;
  }
  nodes_.clear();
  chunk.species = chunk.species.to(device_);
  chunk.edge_index = chunk.edge_index.to(device_);
  chunk.nodes = chunk.nodes.to(device_);
}

} // namespace pair_les
