// SPDX-License-Identifier: MIT

#include "graph_chunks.h"

#include <algorithm>

namespace pair_les {

namespace {

torch::Tensor tensor_of(const std::vector<std::int64_t> &values)
{
  auto tensor = torch::empty({static_cast<std::int64_t>(values.size())}, torch::kInt64);
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor;
}

torch::Tensor edge_vectors_of(const Graph &graph, const GraphChunk &chunk, torch::ScalarType dtype)
{
  auto vectors = torch::empty({chunk.n_edges, 3}, dtype);
  const auto from = graph.edge_vectors.begin() + 3 * chunk.first_edge;
  if (dtype == torch::kFloat64)
    std::copy_n(from, 3 * chunk.n_edges, vectors.data_ptr<double>());
  else
    std::copy_n(from, 3 * chunk.n_edges, vectors.data_ptr<float>());
  return vectors;
}

} // namespace

GraphCutter::GraphCutter(const Graph &graph, std::int64_t most, torch::ScalarType dtype,
                         const torch::Device &device) :
    graph_(graph), dtype_(dtype), device_(device), n_chunks_((graph.n_local + most - 1) / most)
{
  if (n_chunks_ > 1) name_.assign(static_cast<std::size_t>(graph.n_nodes()), -1);
}

GraphChunk GraphCutter::next()
{
  GraphChunk chunk;
  chunk.first_atom = graph_.n_local * next_ / n_chunks_;
  const std::int64_t end = graph_.n_local * ++next_ / n_chunks_;
  chunk.n_atoms = end - chunk.first_atom;
  // the last chunk has every edge that is left: a graph may have centres that are ghosts
  const auto after =
      at_end() ? graph_.centre.end()
               : std::lower_bound(graph_.centre.begin() + edge_, graph_.centre.end(), end);
  chunk.first_edge = edge_;
  edge_ = after - graph_.centre.begin();
  chunk.n_edges = edge_ - chunk.first_edge;
  chunk.edge_vectors = edge_vectors_of(graph_, chunk, dtype_);
  if (n_chunks_ == 1)
    fill_whole(chunk);
  else
    fill_part(chunk);
  chunk.species = chunk.species.to(device_);
  chunk.edge_index = chunk.edge_index.to(device_);
  chunk.edge_vectors = chunk.edge_vectors.to(device_).requires_grad_(true);
  if (chunk.nodes.defined()) chunk.nodes = chunk.nodes.to(device_);
  return chunk;
}

void GraphCutter::fill_whole(GraphChunk &chunk) const
{
  chunk.species = tensor_of(graph_.species);
  chunk.edge_index = torch::stack({tensor_of(graph_.centre), tensor_of(graph_.neighbour)});
}

void GraphCutter::fill_part(GraphChunk &chunk)
{
  const auto name_of = [this](std::int64_t node) {
    auto &name = name_[static_cast<std::size_t>(node)];
    if (name < 0) {
      name = static_cast<std::int64_t>(nodes_.size());
      nodes_.push_back(node);
    }
    return name;
  };
  for (std::int64_t i = 0; i < chunk.n_atoms; ++i) name_of(chunk.first_atom + i);
  chunk.edge_index = torch::empty({2, chunk.n_edges}, torch::kInt64);
  auto *centre = chunk.edge_index.data_ptr<std::int64_t>();
  auto *neighbour = centre + chunk.n_edges;
  for (std::int64_t e = 0; e < chunk.n_edges; ++e) {
    const auto from = static_cast<std::size_t>(chunk.first_edge + e);
    centre[e] = graph_.centre[from] - chunk.first_atom;
    neighbour[e] = name_of(graph_.neighbour[from]);
  }
  chunk.nodes = tensor_of(nodes_);
  chunk.species = torch::empty_like(chunk.nodes);
  auto *species = chunk.species.data_ptr<std::int64_t>();
  for (const auto node : nodes_) {
    *species++ = graph_.species[static_cast<std::size_t>(node)];
    name_[static_cast<std::size_t>(node)] = -1;
  }
  nodes_.clear();
}

} // namespace pair_les
