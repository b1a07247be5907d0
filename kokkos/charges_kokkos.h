// SPDX-License-Identifier: GPL-2.0-only
// Energies, charges and potential of the atoms on the device, one number each.

#ifndef PAIR_LES_KOKKOS_CHARGES_KOKKOS_H
#define PAIR_LES_KOKKOS_CHARGES_KOKKOS_H

#include "sums_kokkos.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

// Sums of the first n energies and charges, and how many of each are not finite; charges may be absent.
template <class DeviceType, class Doubles>
Sums<4> sum_and_check(const Doubles &energy, const Doubles &charge, const bool charges, const int n)
{
  Sums<4> sums;
  Kokkos::parallel_reduce(
      "les:sum", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, Sums<4> &total) {
        total.value[0] += energy(i);
        if (!Kokkos::isfinite(energy(i))) total.value[1] += 1.0;
        if (!charges) return;
        total.value[2] += charge(i);
        if (!Kokkos::isfinite(charge(i))) total.value[3] += 1.0;
      },
      sums);
  return sums;
}

// How many of the first n are `value`.
template <class DeviceType, class Integers>
double count(const Integers &values, const int value, const int n)
{
  std::int64_t found = 0;
  Kokkos::parallel_reduce(
      "les:count", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, std::int64_t &total) { total += values(i) == value ? 1 : 0; },
      found);
  return static_cast<double>(found);
}

// charge(i) = latent(i) - shift, in q in LAMMPS's unit; never exactly 0 there (tiny instead), for
// solvers on the host have phi as 2 e / q. Clears `extra`. Returns sums of q, q^2, charge and
// charge^2.
template <class DeviceType, class Doubles, class Q>
Sums<4> set_charges(const Doubles &latent, const Doubles &charge, const Doubles &extra, const Q &q,
                    const int n, const double shift, const double charge_unit, const double tiny)
{
  Sums<4> sums;
  Kokkos::parallel_reduce(
      "les:set_charges", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, Sums<4> &total) {
        const double value = latent(i) - shift;
        charge(i) = value;
        extra(i) = 0.0;
        double scaled = charge_unit * value;
        if (scaled == 0.0) scaled = tiny;
        q(i) = scaled;
        total.value[0] += scaled;
        total.value[1] += scaled * scaled;
        total.value[2] += value;
        total.value[3] += value * value;
      },
      sums);
  return sums;
}

// What a solver on the host gives: energies of atoms, 2 e / q each.
template <class Doubles> struct PotentialFromEnergy {
  Doubles energy;

  KOKKOS_INLINE_FUNCTION double operator()(const int i, const double q) const
  {
    return 2.0 * energy(i) / q;
  }
};

// phi(i) = offset + slope * charge(i) + extra(i) [+ scale * solver(i, q(i))]; returns the sum.
template <class DeviceType, class Doubles, class Solver, class Q>
double set_potential(const Doubles &phi, const Doubles &charge, const Doubles &extra,
                     const Solver &solver, const Q &q, const int n, const double offset,
                     const double slope, const double scale)
{
  double sum = 0.0;
  Kokkos::parallel_reduce(
      "les:set_potential", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, double &total) {
        double value = offset + slope * charge(i) + extra(i);
        if (scale != 0.0) value += scale * solver(i, q(i));
        phi(i) = value;
        total += value;
      },
      sum);
  return sum;
}

template <class DeviceType, class Doubles>
void shift(const Doubles &values, const int n, const double by)
{
  Kokkos::parallel_for(
      "les:shift", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i) { values(i) += by; });
}

// Sums of q z and q z^2.
template <class DeviceType, class X, class Q>
Sums<2> slab_moments(const X &x, const Q &q, const int n)
{
  Sums<2> sums;
  Kokkos::parallel_reduce(
      "les:slab_moments", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, Sums<2> &total) {
        const double z = x(i, 2), moment = q(i) * z;
        total.value[0] += moment;
        total.value[1] += moment * z;
      },
      sums);
  return sums;
}

// values(i) += unit * (z dipole - constant - charge z^2 / 2)
template <class DeviceType, class Doubles, class X>
void add_slab_potential(const Doubles &values, const X &x, const int n, const double unit,
                        const double dipole, const double constant, const double charge)
{
  Kokkos::parallel_for(
      "les:slab_potential", Kokkos::RangePolicy<DeviceType>(0, n), KOKKOS_LAMBDA(const int i) {
        const double z = x(i, 2);
        values(i) += unit * (z * dipole - constant - 0.5 * charge * z * z);
      });
}

// Charges of ghosts: what the owners send, and where it arrives.
template <class DeviceType, class Q, class List, class Buffer>
void pack_charges(const Q &q, const List &list, const Buffer &buffer, const int n)
{
  Kokkos::parallel_for(
      "les:pack_charges", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i) { buffer(i) = q(list(i)); });
}

template <class DeviceType, class Q, class Buffer>
void unpack_charges(const Q &q, const Buffer &buffer, const int n, const int first)
{
  Kokkos::parallel_for(
      "les:unpack_charges", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i) { q(first + i) = buffer(i); });
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
