// SPDX-License-Identifier: MIT
// Numbers of a model that the kernels know at compile time.

#ifndef PAIR_LES_CORE_FUSED_DEGREES_H
#define PAIR_LES_CORE_FUSED_DEGREES_H

#if !defined(PAIR_LES_INSTRUCTION_SET)
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name"
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <int L> struct Degree {
  static constexpr int value = L;
};

// run(Degree<l_max>): the loops over degrees are unrolled at compile time
template <class Run> void with_degree(int l_max, const Run &run)
{
  if (l_max == 1) return run(Degree<1>());
  if (l_max == 2) return run(Degree<2>());
  run(Degree<3>());
}

// the same with the highest degree that atoms send, which does not exceed l_max
template <class Run> void with_degrees(int l_max, int n_sent, const Run &run)
{
  with_degree(l_max, [&](auto degree) {
    if (n_sent == 4) return run(degree, Degree<1>());
    if constexpr (degree.value >= 2)
      if (n_sent == 9) return run(degree, Degree<2>());
    if constexpr (degree.value >= 3) run(degree, Degree<3>());
  });
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
