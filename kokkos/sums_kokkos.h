// SPDX-License-Identifier: GPL-2.0-only
// Several sums in one parallel_reduce.

#ifndef PAIR_LES_KOKKOS_SUMS_KOKKOS_H
#define PAIR_LES_KOKKOS_SUMS_KOKKOS_H

#include <Kokkos_Core.hpp>

namespace LAMMPS_NS {
namespace les_kokkos {

template <int N> struct Sums {
  double value[N];

  KOKKOS_INLINE_FUNCTION
  Sums()
  {
    for (int k = 0; k < N; k++) value[k] = 0.0;
  }

  KOKKOS_INLINE_FUNCTION
  void operator+=(const Sums &other)
  {
    for (int k = 0; k < N; k++) value[k] += other.value[k];
  }
};

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
