// SPDX-License-Identifier: MIT
// The pair sum 1/2 sum_{i != j} q_i q_j D(r_ij) of split mode.

#ifndef PAIR_LES_CORE_SPLIT_SUM_H
#define PAIR_LES_CORE_SPLIT_SUM_H

#include "pair_lists.h"
#include "pair_sum.h"
#include "split_table.h"

#include <vector>

namespace pair_les {

// A pair of local atoms is evaluated once; a pair with a ghost on both sides of the boundary, each for its own atom, which
// saves sending forces and potentials back. The energy is half the sum of charge times potential.
class SplitSum {
 public:
  // Whenever the neighbor list has been rebuilt; `reach` is cutoff and skin.
  void list_pairs(const double *const *x, int n_local, const FullNeighborList &list, double reach)
  {
    pairs_.build(x, n_local, list, reach);
  }

  // `charge` [n_all] of local and ghost atoms, e.
  void compute(const double *const *x, const std::vector<double> &charge, int n_local,
               const SplitTable &table, double cutoff, PairSum::Virial virial, PairSum &sum);

  double bytes() const;

  // four numbers of an atom in one load: position and charge, or force and potential
  struct alignas(32) Four {
    double c[4];
  };

 private:
  PairList pairs_;
  std::vector<Four>
      atoms_; // [n_all + 1], the last one a partner without charge that fills up groups
  std::vector<Four> results_; // [n_all + 1]
  static constexpr int WIDEST_GROUP = 8;
  struct alignas(64) Eight {
    double c[WIDEST_GROUP];
  };
  std::vector<Eight> numbers_; // of the near partners of one center
  std::vector<int> near_;
};

} // namespace pair_les

#endif
