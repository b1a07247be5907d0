// SPDX-License-Identifier: MIT

#include "fused_kernels.h"

#include "core/simd/instruction_set.h"

namespace pair_les {

template <class Real> const FusedKernels<Real> &fused_kernels()
{
  return PAIR_LES_FOR_THIS_PROCESSOR(kernels<Real>)();
}
template const FusedKernels<float> &fused_kernels();
template const FusedKernels<double> &fused_kernels();

} // namespace pair_les
