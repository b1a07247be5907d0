// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <class Real> const FusedKernels<Real> &kernels()
{
  static const FusedKernels<Real> table{density_kernels<Real>(),     product_kernels<Real>(),
                                        message_kernels<Real>(),     equivariant_kernels<Real>(),
                                        convolution_kernels<Real>(), contraction_kernels<Real>(),
                                        squash_kernels<Real>(),      silu_kernels<Real>()};
  return table;
}
template const FusedKernels<float> &kernels();
template const FusedKernels<double> &kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
