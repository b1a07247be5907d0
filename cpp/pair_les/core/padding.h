// SPDX-License-Identifier: MIT
// Atoms and edges that stand before the real ones in every graph that a package sees. Twin: python/pair_les/model_file/aot/padding.py.
//
// A compiled graph may rely on every size being 2 or more: torch treats 0 and 1 as numbers of their own. So there are two
// atoms of each species, and from each of them an edge to each of them; of the four edges between two species two are short and
// two are long, for networks that pick edges by their length. They meet no real atom, and what the network says of them is
// dropped.

#ifndef PAIR_LES_CORE_PADDING_H
#define PAIR_LES_CORE_PADDING_H

#include "metadata.h"

#include <torch/types.h>

#include <vector>

namespace pair_les {

// A package compiled for another padding is refused.
constexpr int PADDING_VERSION = 1;

class Padding {
 public:
  Padding(const Metadata &metadata, torch::ScalarType dtype);

  // Atoms before the real ones: the results of real atom i are those of atom n_atoms() + i.
  std::int64_t n_atoms() const { return species_.size(0); }

  // The graph of the contract as species, species of the local atoms, edge_index, edge_vectors; on the tape of the latter.
  std::vector<torch::Tensor> padded(const torch::Tensor &species, const torch::Tensor &edge_index,
                                    const torch::Tensor &edge_vectors, std::int64_t n_local) const;

  // Messages [n_atoms, features] with rows of zeros for the padding atoms.
  torch::Tensor padded_rows(const torch::Tensor &received) const;

 private:
  torch::Tensor species_, ghosts_, edge_index_, edge_vectors_;
};

} // namespace pair_les

#endif
