// SPDX-License-Identifier: MIT
// What a pair sum over charges gives to the local atoms of a process.

#ifndef PAIR_LES_CORE_PAIR_SUM_H
#define PAIR_LES_CORE_PAIR_SUM_H

#include <cstddef>
#include <vector>

namespace pair_les {

struct PairSum {
  std::vector<double> potential; // [n_local] derivative of the energy in each charge, V
  std::vector<double> force;     // [n_local * 3] at fixed charges, eV/A
  std::vector<double>
      virial; // [n_local * 6] xx yy zz xy xz yz, eV, half of each pair's; empty if not wanted

  void clear(std::size_t n_local, bool want_virial)
  {
    potential.assign(n_local, 0.0);
    force.assign(3 * n_local, 0.0);
    virial.assign(want_virial ? 6 * n_local : 0, 0.0);
  }
};

} // namespace pair_les

#endif
