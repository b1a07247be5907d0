// SPDX-License-Identifier: MIT
// Neighbor lists that are made from a longer one whenever that is rebuilt: nothing is searched for a second time.

#ifndef PAIR_LES_CORE_PAIR_LISTS_H
#define PAIR_LES_CORE_PAIR_LISTS_H

#include "edges.h"

#include <cstddef>
#include <vector>

namespace pair_les {

// The entries of a full list that are nearer than `reach` (cutoff and skin) when it is made: for a network whose cutoff is
// shorter than that of the pair sum. Its entries have no bits above the index.
class TrimmedList {
 public:
  void build(const double *const *x, const FullNeighborList &list, double reach);
  FullNeighborList view() const;
  double bytes() const;

 private:
  std::vector<int> centers_, entries_;
  std::vector<int> n_neighbors_;   // per atom index
  std::vector<int *> neighbors_;   // per atom index, into entries_
  std::vector<std::size_t> first_; // [n_centers], while entries_ grows
};

// Each pair of local atoms once; a pair with a ghost on both sides of the boundary, each for its own atom.
struct PairList {
  std::vector<int> center;        // [n_centers] local atoms
  std::vector<int> partner;       // of each center the local ones, then the ghosts
  std::vector<std::size_t> local; // [n_centers] where the local partners of a center begin,
  std::vector<std::size_t> ghost; // where its ghosts begin,
  std::vector<std::size_t> end;   // and where they end

  void build(const double *const *x, int n_local, const FullNeighborList &list, double reach);
  double bytes() const;
};

} // namespace pair_les

#endif
