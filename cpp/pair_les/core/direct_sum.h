// SPDX-License-Identifier: MIT
// The long-range energy of an isolated system: 1/2 sum_{i != j} q_i q_j k_e erf(r_ij / (sqrt2 sigma)) / r_ij.

#ifndef PAIR_LES_CORE_DIRECT_SUM_H
#define PAIR_LES_CORE_DIRECT_SUM_H

#include "long_range.h"
#include "pair_sum.h"

#include <vector>

namespace pair_les {

// `atoms` [n_all * 4] holds x, y, z, q of every atom of the system; the `n_local` of this process start at `first`.
// The energy is half the sum of charge times potential.
void direct_sum(const std::vector<double> &atoms, std::size_t first, std::size_t n_local,
                const LongRange &settings, PairSum &sum);

} // namespace pair_les

#endif
