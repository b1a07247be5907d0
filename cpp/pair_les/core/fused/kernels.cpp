// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

#define PAIR_LES_TEXT_(name) #name
#define PAIR_LES_TEXT(name) PAIR_LES_TEXT_(name)

const FusedKernels &kernels()
{
  static const FusedKernels table{PAIR_LES_TEXT(PAIR_LES_INSTRUCTION_SET),
                                  density_kernels<float>(),
                                  density_kernels<double>(),
                                  product_kernels<float>(),
                                  product_kernels<double>(),
                                  message_kernels<float>(),
                                  message_kernels<double>(),
                                  equivariant_kernels<float>(),
                                  equivariant_kernels<double>(),
                                  squash_kernels<float>(),
                                  squash_kernels<double>(),
                                  silu_kernels<float>(),
                                  silu_kernels<double>()};
  return table;
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
