// SPDX-License-Identifier: MIT
// The loop over pairs behind SplitSum, compiled once per instruction set. It includes no code of the standard library that
// the linker could take from one of them for another processor.

#ifndef PAIR_LES_CORE_SPLIT_SUM_KERNELS_H
#define PAIR_LES_CORE_SPLIT_SUM_KERNELS_H

#include "pair_sum.h"
#include "split_sum.h"

namespace pair_les {

// Everything that the pairs of all centers need; plain pointers.
struct SplitPairs {
  // as in PairList
  int n_centers;
  const int *center, *partner;
  const std::size_t *local, *ghost, *end;

  const SplitTable::Piece *pieces;
  double inverse_step; // 1/angstrom^2, of the table
  double cutoff_squared;

  const SplitSum::Four *atoms; // position and charge
  int filler;                  // index of an atom without charge
  SplitSum::Four *results;     // force and potential of local atoms, and of the filler
  double *total_virial;        // [6]
  double *virial;              // [n_local * 6], with PairSum::Virial::per_atom

  // Room for the partners of one center that are near, and for groups to be filled up.
  int room; // a multiple of SplitSum::WIDEST_GROUP
  int *near;
  double *numbers; // [5 * room], aligned to 64 bytes
};

namespace baseline {
void sum_pairs(const SplitPairs &pairs, PairSum::Virial wanted);
}
namespace avx2 {
void sum_pairs(const SplitPairs &pairs, PairSum::Virial wanted);
}
namespace avx512 {
void sum_pairs(const SplitPairs &pairs, PairSum::Virial wanted);
}

} // namespace pair_les

#endif
