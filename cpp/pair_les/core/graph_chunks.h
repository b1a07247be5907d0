// SPDX-License-Identifier: MIT
// Parts of a graph as the tensors of the contract: consecutive centres and whatever they are connected to.

#ifndef PAIR_LES_CORE_GRAPH_CHUNKS_H
#define PAIR_LES_CORE_GRAPH_CHUNKS_H

#include "edges.h"

#include <torch/types.h>

#include <vector>

namespace pair_les {

struct GraphChunk {
  std::int64_t first_atom = 0, n_atoms = 0, first_edge = 0, n_edges = 0;
  torch::Tensor species;      // [n], the chunk's atoms first
  torch::Tensor edge_index;   // [2, n_edges]
  torch::Tensor edge_vectors; // [n_edges, 3], requires grad
  torch::Tensor nodes;        // [n] nodes of the graph; undefined: all of them, in their order
};

// Cuts a graph into chunks of at most `most` centres, one after the other; into none on a rank without atoms, which has
// nothing to ask a model.
class GraphCutter {
 public:
  GraphCutter(const Graph &graph, std::int64_t most, torch::ScalarType dtype,
              const torch::Device &device);

  bool at_end() const { return next_ == n_chunks_; }
  GraphChunk next();

 private:
  void fill_whole(GraphChunk &chunk) const;
  void fill_part(GraphChunk &chunk);

  const Graph &graph_;
  torch::ScalarType dtype_;
  torch::Device device_;
  std::int64_t n_chunks_, next_ = 0, edge_ = 0;
  std::vector<std::int64_t>
      name_; // of a node of the graph: its place in the chunk, by order of appearance, or -1
  std::vector<std::int64_t> nodes_; // that have a name
};

} // namespace pair_les

#endif
