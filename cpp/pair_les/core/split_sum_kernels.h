// SPDX-License-Identifier: MIT
// The loops over pairs behind SplitSum, per instruction set. They include no code of the standard library that the linker
// could take from one of them for another processor.

#ifndef PAIR_LES_CORE_SPLIT_SUM_KERNELS_H
#define PAIR_LES_CORE_SPLIT_SUM_KERNELS_H

#include "pair_sum.h"
#include "split_sum.h"

namespace pair_les {

// Everything that the pairs of all centres need; plain pointers.
struct SplitPairs {
  // as in PairList
  int n_centres;
  const int *centre, *partner;
  const std::size_t *local, *ghost, *end;

  const SplitTable::Piece *pieces;
  double inverse_step; // 1/angstrom^2, of the table
  double cutoff_squared;

  const SplitSum::Four *atoms; // position and charge
  int filler;                  // index of an atom without charge
  SplitSum::Four *results;     // force and potential of local atoms, and of the filler
  double *total_virial;        // [6]
  double *virial;              // [n_local * 6]

  // Room for the partners of one centre that are near, and for groups to be filled up.
  int room; // a multiple of 8
  int *near;
  double *numbers; // [5 * room], aligned to 64 bytes
};

// four pairs at a time, on any processor
void sum_pairs_by_four(const SplitPairs &pairs, PairSum::Virial wanted);

// eight pairs at a time; not the virials of atoms
void sum_pairs_avx512(const SplitPairs &pairs, bool virial);

} // namespace pair_les

#endif
