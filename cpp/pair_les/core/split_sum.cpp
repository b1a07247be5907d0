// SPDX-License-Identifier: MIT

#include "split_sum.h"

#include "simd/instruction_set.h"
#include "split_sum_kernels.h"

#include <algorithm>

namespace pair_les {

void SplitSum::compute(const double *const *x, const std::vector<double> &charge, int n_local,
                       const SplitTable &table, double cutoff, PairSum::Virial virial, PairSum &sum)
{
  const std::size_t n_all = charge.size();
  sum.clear(static_cast<std::size_t>(n_local), virial);
  atoms_.resize(n_all + 1);
  for (std::size_t i = 0; i < n_all; ++i) atoms_[i] = {{x[i][0], x[i][1], x[i][2], charge[i]}};
  atoms_[n_all] = {};
  results_.resize(n_all + 1); // ghosts get none; the filler does
  std::fill_n(results_.begin(), n_local, Four{});
  results_[n_all] = {};

  std::size_t longest = 0;
  for (std::size_t c = 0; c < pairs_.center.size(); ++c)
    longest = std::max(longest, pairs_.end[c] - pairs_.local[c]);
  // two groups to be filled up, and one that is written in full
  const std::size_t room = (longest + 3 * WIDEST_GROUP) / WIDEST_GROUP * WIDEST_GROUP;
  near_.resize(room);
  numbers_.resize(5 * room / WIDEST_GROUP);

  const SplitPairs pairs{static_cast<int>(pairs_.center.size()),
                         pairs_.center.data(),
                         pairs_.partner.data(),
                         pairs_.local.data(),
                         pairs_.ghost.data(),
                         pairs_.end.data(),
                         table.pieces(),
                         table.inverse_step(),
                         cutoff * cutoff,
                         atoms_.data(),
                         static_cast<int>(n_all),
                         results_.data(),
                         sum.total_virial.data(),
                         sum.virial.data(),
                         static_cast<int>(room),
                         near_.data(),
                         numbers_.empty() ? nullptr : numbers_.front().c};
  PAIR_LES_FOR_THIS_PROCESSOR(sum_pairs)(pairs, virial);

  for (std::size_t i = 0; i < static_cast<std::size_t>(n_local); ++i) {
    for (std::size_t k = 0; k < 3; ++k) sum.force[3 * i + k] = results_[i].c[k];
    sum.potential[i] = results_[i].c[3];
    if (virial != PairSum::Virial::per_atom) continue;
    for (std::size_t k = 0; k < 6; ++k) sum.total_virial[k] += sum.virial[6 * i + k];
  }
}

double SplitSum::bytes() const
{
  return pairs_.bytes() +
         static_cast<double>(sizeof(Four) * (atoms_.capacity() + results_.capacity()));
}

} // namespace pair_les
