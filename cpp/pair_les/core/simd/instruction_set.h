// SPDX-License-Identifier: MIT
// Which of the instruction sets that kernels were compiled for this processor runs, found at run time.

#ifndef PAIR_LES_CORE_SIMD_INSTRUCTION_SET_H
#define PAIR_LES_CORE_SIMD_INSTRUCTION_SET_H

#include <string>

namespace pair_les {

enum class InstructionSet { baseline, avx2, avx512 };

// The best that this processor runs, or the one that the environment variable PAIR_LES_INSTRUCTION_SET names (baseline,
// avx2, avx512). Throws std::runtime_error for a name that is unknown or that this processor cannot run.
InstructionSet instruction_set();

const char *instruction_set_name(InstructionSet set);

// Whether what was compiled for the set of this name runs where `set` does; no set contains one of an unknown name.
bool contains(InstructionSet set, const std::string &name);

} // namespace pair_les

// The function of this name in the namespace of instruction_set(), one of those that CMakeLists.txt compiles for each.
#ifdef PAIR_LES_X86_KERNELS
#define PAIR_LES_FOR_THIS_PROCESSOR(function)                                                      \
  (instruction_set() == InstructionSet::avx512 ? avx512::function                                  \
   : instruction_set() == InstructionSet::avx2 ? avx2::function                                    \
                                               : baseline::function)
#else
#define PAIR_LES_FOR_THIS_PROCESSOR(function) (baseline::function)
#endif

#endif
