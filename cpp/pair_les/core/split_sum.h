// SPDX-License-Identifier: MIT
// The pair sum 1/2 sum_{i != j} q_i q_j D(r_ij) of split mode over a full neighbour list.

#ifndef PAIR_LES_CORE_SPLIT_SUM_H
#define PAIR_LES_CORE_SPLIT_SUM_H

#include "edges.h"
#include "split_table.h"

#include <vector>

namespace pair_les {

// Results for the local atoms of this process; eV, angstrom, e.
struct SplitSum {
  std::vector<double> potential;    // [n_local] sum_j q_j D(r_ij), V
  std::vector<double> force;        // [n_local * 3] at fixed charges, eV/A
  std::vector<double> virial;       // [n_local * 6] xx yy zz xy xz yz, eV, half of each pair's; empty if not wanted

  // `charge` [n_all] of local and ghost atoms. A pair of local atoms is evaluated once; a pair with a ghost on both
  // sides of the boundary, each for its own atom, which saves sending forces and potentials back.
  void compute(const double *const *x, const double *charge, int n_local, const FullNeighborList &list,
               const SplitTable &table, double cutoff, bool want_virial);
};

}    // namespace pair_les

#endif
