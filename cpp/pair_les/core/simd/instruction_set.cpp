// SPDX-License-Identifier: MIT

#include "instruction_set.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace pair_les {

namespace {

#ifdef PAIR_LES_X86_KERNELS
bool has_avx2()
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
bool has_avx512()
{
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
#else
bool has_avx2()
{
  return false;
}
bool has_avx512()
{
  return false;
}
#endif

InstructionSet choose()
{
  const char *wanted = std::getenv("PAIR_LES_INSTRUCTION_SET");
  const std::string name = wanted ? wanted : "";
  if (!name.empty() && name != "baseline" && name != "avx2" && name != "avx512")
    throw std::runtime_error("PAIR_LES_INSTRUCTION_SET = " + name +
                             ": must be baseline, avx2 or avx512; unset it for the best one");
  if ((name == "avx2" && !has_avx2()) || (name == "avx512" && !has_avx512()))
    throw std::runtime_error("PAIR_LES_INSTRUCTION_SET = " + name +
                             ": this processor does not have it; unset it for the best one");
  if (name == "avx512" || (name.empty() && has_avx512())) return InstructionSet::avx512;
  if (name == "avx2" || (name.empty() && has_avx2())) return InstructionSet::avx2;
  return InstructionSet::baseline;
}

} // namespace

InstructionSet instruction_set()
{
  static const InstructionSet chosen = choose();
  return chosen;
}

const char *instruction_set_name(InstructionSet set)
{
  switch (set) {
  case InstructionSet::avx512:
    return "avx512";
  case InstructionSet::avx2:
    return "avx2";
  default:
    return "baseline";
  }
}

bool contains(InstructionSet set, const std::string &name)
{
  for (const auto other : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (name == instruction_set_name(other)) return other <= set;
  return false;
}

} // namespace pair_les
