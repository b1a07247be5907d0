// SPDX-License-Identifier: MIT

#include "fused_kernels.h"

#include "core/simd/instruction_set.h"

namespace pair_les {

const FusedKernels &fused_kernels()
{
  switch (instruction_set()) {
#ifdef PAIR_LES_X86_KERNELS
  case InstructionSet::avx512:
    return avx512::kernels();
  case InstructionSet::avx2:
    return avx2::kernels();
#endif
  default:
    return baseline::kernels();
  }
}

} // namespace pair_les
