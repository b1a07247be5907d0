// SPDX-License-Identifier: GPL-2.0-only
// Gradient of the edges to forces on local and ghost atoms, and its virial.

#ifndef PAIR_LES_KOKKOS_EDGE_FORCES_KOKKOS_H
#define PAIR_LES_KOKKOS_EDGE_FORCES_KOKKOS_H

#include "graph_kokkos.h"
#include "sums_kokkos.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

template <bool ATOMIC, class F>
KOKKOS_INLINE_FUNCTION void add_force(const F &f, const int i, const double x, const double y,
                                      const double z)
{
  if (ATOMIC) {
    Kokkos::atomic_add(&f(i, 0), x);
    Kokkos::atomic_add(&f(i, 1), y);
    Kokkos::atomic_add(&f(i, 2), z);
  } else {
    f(i, 0) += x;
    f(i, 1) += y;
    f(i, 2) += z;
  }
}

// Edges are sorted by their center: what belongs to it is summed by one thread and added once. W_ab
// = -sum r_a g_b, xx yy zz xy xz yz; r from the positions, which are double whatever the precision
// of the network.
template <bool ATOMIC, class Real, class DeviceType, class X, class F>
Sums<6> scatter(const GraphKokkos<DeviceType> &graph, const Real *const gradient, const X &x,
                const F &f, const double unit)
{
  const auto index = graph.index, first = graph.first;
  const auto atom = graph.atom;
  const std::int64_t row = graph.n_edges;
  Sums<6> virial;
  Kokkos::parallel_reduce(
      "les:edge_forces", Kokkos::RangePolicy<DeviceType>(0, graph.n_nodes),
      KOKKOS_LAMBDA(const int n, Sums<6> &w) {
        const std::int64_t begin = first(n), end = first(n + 1);
        if (begin == end) return;
        const int i = atom(n);
        double fx = 0.0, fy = 0.0, fz = 0.0;
        for (std::int64_t e = begin; e < end; e++) {
          const int j = atom(index(row + e));
          const double gx = unit * gradient[3 * e], gy = unit * gradient[3 * e + 1],
                       gz = unit * gradient[3 * e + 2];
          const double rx = x(j, 0) - x(i, 0), ry = x(j, 1) - x(i, 1), rz = x(j, 2) - x(i, 2);
          fx += gx;
          fy += gy;
          fz += gz;
          add_force<ATOMIC>(f, j, -gx, -gy, -gz);
          w.value[0] -= rx * gx;
          w.value[1] -= ry * gy;
          w.value[2] -= rz * gz;
          w.value[3] -= rx * gy;
          w.value[4] -= rx * gz;
          w.value[5] -= ry * gz;
        }
        add_force<ATOMIC>(f, i, fx, fy, fz);
      },
      virial);
  return virial;
}

// Adds forces in units of `unit` eV/angstrom and returns the virial.
template <class DeviceType, class X, class F>
Sums<6> add_edge_forces(const GraphKokkos<DeviceType> &graph, const void *gradient, const X &x,
                        const F &f, const double unit)
{
  const auto *const doubles = static_cast<const double *>(gradient);
  const auto *const floats = static_cast<const float *>(gradient);
  // neighbors of several centers meet only where there are several threads
  if (DeviceType().concurrency() > 1)
    return graph.in_double ? scatter<true>(graph, doubles, x, f, unit)
                           : scatter<true>(graph, floats, x, f, unit);
  return graph.in_double ? scatter<false>(graph, doubles, x, f, unit)
                         : scatter<false>(graph, floats, x, f, unit);
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
