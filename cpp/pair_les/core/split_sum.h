// SPDX-License-Identifier: MIT
// The pair sum 1/2 sum_{i != j} q_i q_j D(r_ij) of split mode over a full neighbour list.

#ifndef PAIR_LES_CORE_SPLIT_SUM_H
#define PAIR_LES_CORE_SPLIT_SUM_H

#include "edges.h"
#include "pair_sum.h"
#include "split_table.h"

namespace pair_les {

// `charge` [n_all] of local and ghost atoms. A pair of local atoms is evaluated once; a pair with a ghost on both sides of
// the boundary, each for its own atom, which saves sending forces and potentials back.
// The energy is half the sum of charge times potential.
void split_sum(const double *const *x, const double *charge, int n_local,
               const FullNeighborList &list, const SplitTable &table, double cutoff,
               bool want_virial, PairSum &sum);

} // namespace pair_les

#endif
