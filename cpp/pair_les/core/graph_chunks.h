// SPDX-License-Identifier: MIT
// Parts of a graph as the tensors of the contract: consecutive centers and whatever they are connected to.

#ifndef PAIR_LES_CORE_GRAPH_CHUNKS_H
#define PAIR_LES_CORE_GRAPH_CHUNKS_H

#include "edges.h"
#include "evaluator.h"

#include <torch/types.h>

#include <vector>

namespace pair_les {

// Arrays of a graph, of which the chunks are copies, or, where the arrays lie in memory of the device, views as far as possible.
struct GraphView {
  DeviceGraph arrays;
  torch::ScalarType vector_type;
  bool on_device; // else in memory of the host
};

// Of a graph in memory of the host.
inline GraphView view_of(const Graph &graph)
{
  return {{graph.n_local, graph.n_nodes(), graph.n_edges(), graph.species.data(),
           graph.center.data(), graph.neighbor.data(), graph.edge_vectors.data()},
          torch::kFloat64,
          false};
}

struct GraphChunk {
  std::int64_t first_atom = 0, n_atoms = 0, first_edge = 0, n_edges = 0;
  torch::Tensor species;      // [n], the chunk's atoms first
  torch::Tensor edge_index;   // [2, n_edges]
  torch::Tensor edge_vectors; // [n_edges, 3], requires grad
  torch::Tensor nodes;        // [n] nodes of the graph; undefined: all of them, in their order
};

// Cuts a graph into chunks of at most `most` centers, one after the other; into none on a rank without atoms, which has
// nothing to ask a model. More than one chunk needs arrays that the host can read.
class GraphCutter {
 public:
  GraphCutter(const GraphView &graph, std::int64_t most, torch::ScalarType dtype,
              const torch::Device &device);

  bool at_end() const { return next_ == n_chunks_; }
  GraphChunk next();

 private:
  torch::Tensor tensor(const void *data, at::IntArrayRef shape, torch::ScalarType from,
                       torch::ScalarType to) const;
  torch::Tensor whole_edge_index() const;
  void fill_part(GraphChunk &chunk);

  GraphView graph_;
  torch::ScalarType dtype_;
  torch::Device device_;
  std::int64_t n_chunks_, next_ = 0, edge_ = 0;
  std::vector<std::int64_t> local_index_; // of a node of the graph in the chunk, or -1
  std::vector<std::int64_t> nodes_;       // of the chunk, in the order of their appearance
};

} // namespace pair_les

#endif
