// SPDX-License-Identifier: MIT
// What a pair sum over charges gives to the local atoms of a process.

#ifndef PAIR_LES_CORE_PAIR_SUM_H
#define PAIR_LES_CORE_PAIR_SUM_H

#include <array>
#include <cstddef>
#include <vector>

namespace pair_les {

struct PairSum {
  enum class Virial { none, total, per_atom };

  std::vector<double> potential;      // [n_local] derivative of the energy in each charge, V
  std::vector<double> force;          // [n_local * 3] at fixed charges, eV/A
  std::array<double, 6> total_virial; // xx yy zz xy xz yz, eV, this process's share
  std::vector<double> virial;         // [n_local * 6], half of each pair's; empty unless per atom

  void clear(std::size_t n_local, Virial wanted)
  {
    potential.assign(n_local, 0.0);
    force.assign(3 * n_local, 0.0);
    total_virial.fill(0.0);
    virial.assign(wanted == Virial::per_atom ? 6 * n_local : 0, 0.0);
  }
};

} // namespace pair_les

#endif
