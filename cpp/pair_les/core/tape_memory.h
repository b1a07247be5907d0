// SPDX-License-Identifier: MIT
// Memory of the intermediate results that a network keeps for its backward pass: what a chunk needs, how many atoms it has,
// and which chunks keep them.

#ifndef PAIR_LES_CORE_TAPE_MEMORY_H
#define PAIR_LES_CORE_TAPE_MEMORY_H

#include <cstdint>
#include <functional>

namespace pair_les {

// Bytes on the host that the tensors made by `action`, and not freed by it, take.
std::int64_t bytes_left_by(const std::function<void()> &action);

class TapeMemory {
 public:
  // At most `limit` bytes are kept, and at most `most_atoms` atoms are one chunk.
  TapeMemory(std::int64_t limit, std::int64_t most_atoms) : limit_(limit), most_atoms_(most_atoms)
  {}

  // What a chunk with that many atoms and edges was found to need. The memory of a network is taken as proportional to their
  // number; too few atoms tell little of it, and fit in any case.
  void measure(std::int64_t n_atoms, std::int64_t n_edges, std::int64_t bytes);
  bool measured() const { return bytes_per_row_ > 0.0; }
  static constexpr std::int64_t ATOMS_TO_MEASURE = 64;

  // Atoms of one chunk in a graph of that size, at least one.
  std::int64_t chunk_atoms(std::int64_t n_atoms, std::int64_t n_edges) const;

  // The chunks of a forward pass, one after the other: whether this one keeps its intermediate results.
  void start_pass() { used_ = 0.0; }
  bool keeps(std::int64_t n_atoms, std::int64_t n_edges);

 private:
  std::int64_t limit_, most_atoms_;
  double bytes_per_row_ = 0.0; // of an atom or an edge; 0 before it is measured
  double used_ = 0.0;
};

} // namespace pair_les

#endif
