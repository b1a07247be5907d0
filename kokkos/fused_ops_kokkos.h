// SPDX-License-Identifier: GPL-2.0-only
// The fused operators of the network by kernels of this folder.

#ifndef PAIR_LES_KOKKOS_FUSED_OPS_KOKKOS_H
#define PAIR_LES_KOKKOS_FUSED_OPS_KOKKOS_H

#include <string>

namespace LAMMPS_NS {
namespace les_kokkos {

// Where the operators come from on the device of les/kk: these kernels on a GPU; on a CPU those of
// the core, which know its instruction set, unless the environment says PAIR_LES_KERNELS=kokkos.
// Throws std::runtime_error for other words in it.
void choose_fused_kernels(bool gpu);

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
