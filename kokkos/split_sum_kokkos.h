// SPDX-License-Identifier: GPL-2.0-only
// The pair sum of split mode on the device: core/split_sum.h over full lists, so that no two
// threads write to one atom.

#ifndef PAIR_LES_KOKKOS_SPLIT_SUM_KOKKOS_H
#define PAIR_LES_KOKKOS_SPLIT_SUM_KOKKOS_H

#include "arrays_kokkos.h"
#include "formulas_kokkos.h"
#include "sums_kokkos.h"

#include "core/split_table.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

// D(r) as core/split_table.h tabulates it.
template <class DeviceType> struct SplitTableKokkos {
  Kokkos::View<double *, DeviceType> coefficients; // [4 * pieces]
  double inverse_step = 0.0;

  void copy(const pair_les::SplitTable &table)
  {
    static_assert(sizeof(pair_les::SplitTable::Piece) == 4 * sizeof(double), "four numbers each");
    const auto n = 4 * static_cast<std::int64_t>(table.n_pieces());
    make_room(coefficients, "les:split_table", n);
    copy_to_device(table.pieces()->c, n, coefficients);
    inverse_step = table.inverse_step();
  }
};

// What the pair sum gives besides forces: sum of q phi, sum of q, virial xx yy zz xy xz yz.
struct SplitTotals {
  double charge_potential = 0.0, charge = 0.0;
  double virial[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
};

// Forces are added in units of `unit` eV/angstrom if there are any, f[0, 3] else; potential(i) in V is set; virial_of_atoms, [6 *
// n_local] eV, is set if it is that long. Charges are those of atom->q divided by charge_unit.
template <class DeviceType, class X, class F, class Q, class NeighborList, class Doubles>
SplitTotals sum_pairs(const X &x, const F &f, const Q &q, const NeighborList &list,
                      const SplitTableKokkos<DeviceType> &table, const double cutoff,
                      const double charge_unit, const double unit, const int mask,
                      const Doubles &potential, const Doubles &virial_of_atoms)
{
  const auto ilist = list.d_ilist, numneigh = list.d_numneigh;
  const auto neighbors = list.d_neighbors;
  const auto coefficients = table.coefficients;
  const double inverse_step = table.inverse_step, cutoff_squared = cutoff * cutoff;
  const bool per_atom = virial_of_atoms.extent(0) > 0, forces = f.extent(0) > 0;

  Sums<8> sums;
  Kokkos::parallel_reduce(
      "les:split_sum", Kokkos::RangePolicy<DeviceType>(0, list.inum),
      KOKKOS_LAMBDA(const int ii, Sums<8> &total) {
        const int i = ilist(ii);
        const double xi = x(i, 0), yi = x(i, 1), zi = x(i, 2);
        const double qi = q(i) / charge_unit;
        const double scale = pair_les::device::force_scale(qi, inverse_step);
        double phi = 0.0, fx = 0.0, fy = 0.0, fz = 0.0;
        double w[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
        for (int k = 0; k < numneigh(i); k++) {
          const int j = neighbors(i, k) & mask;
          const double dx = xi - x(j, 0), dy = yi - x(j, 1), dz = zi - x(j, 2);
          const double r_squared = dx * dx + dy * dy + dz * dz;
          if (r_squared >= cutoff_squared) continue;
          const double position = r_squared * inverse_step;
          const int piece = static_cast<int>(position);
          double value, slope;
          pair_les::device::table_value<double>(
              position - piece, coefficients(4 * piece), coefficients(4 * piece + 1),
              coefficients(4 * piece + 2), coefficients(4 * piece + 3), value, slope);
          const double qj = q(j) / charge_unit;
          phi += qj * value;
          const double pair = scale * qj * slope;
          fx += pair * dx;
          fy += pair * dy;
          fz += pair * dz;
          // the other half belongs to the other atom
          pair_les::device::add_virial(0.5, pair * dx, pair * dy, pair * dz, dx, dy, dz, w);
        }
        potential(i) = phi;
        if (forces) {
          f(i, 0) += unit * fx;
          f(i, 1) += unit * fy;
          f(i, 2) += unit * fz;
        }
        total.value[0] += qi * phi;
        total.value[1] += qi;
        for (int v = 0; v < 6; v++) {
          total.value[2 + v] += w[v];
          if (per_atom) virial_of_atoms(6 * i + v) = w[v];
        }
      },
      sums);
  SplitTotals totals{sums.value[0], sums.value[1], {}};
  for (int v = 0; v < 6; v++) totals.virial[v] = sums.value[2 + v];
  return totals;
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
