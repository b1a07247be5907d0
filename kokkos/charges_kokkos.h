// SPDX-License-Identifier: GPL-2.0-only
// Energies, charges and potential of the atoms on the device, one number each.

#ifndef PAIR_LES_KOKKOS_CHARGES_KOKKOS_H
#define PAIR_LES_KOKKOS_CHARGES_KOKKOS_H

#include "sums_kokkos.h"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace LAMMPS_NS {
namespace les_kokkos {

// Sum of the first n, and how many of them are not finite.
template <class DeviceType, class Doubles> Sums<2> sum_and_check(const Doubles &values, const int n)
{
  Sums<2> sums;
  Kokkos::parallel_reduce(
      "les:sum", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, Sums<2> &total) {
        total.value[0] += values(i);
        if (!Kokkos::isfinite(values(i))) total.value[1] += 1.0;
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
// phi is 2 e / q. Returns sums of q, q^2, charge and charge^2.
template <class DeviceType, class Doubles, class Q>
Sums<4> set_charges(const Doubles &latent, const Doubles &charge, const Q &q, const int n,
                    const double shift, const double charge_unit, const double tiny)
{
  Sums<4> sums;
  Kokkos::parallel_reduce(
      "les:set_charges", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, Sums<4> &total) {
        const double value = latent(i) - shift;
        charge(i) = value;
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

// phi(i) = offset + slope * charge(i) + extra(i) [+ scale * energy(i) / q(i)]; returns the sum.
template <class DeviceType, class Doubles, class Energy, class Q>
double set_potential(const Doubles &phi, const Doubles &charge, const Doubles &extra,
                     const Energy &energy, const Q &q, const int n, const double offset,
                     const double slope, const double scale)
{
  double sum = 0.0;
  Kokkos::parallel_reduce(
      "les:set_potential", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i, double &total) {
        double value = offset + slope * charge(i) + extra(i);
        if (scale != 0.0) value += scale * energy(i) / q(i);
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

template <class DeviceType, class Doubles> void clear(const Doubles &values, const int n)
{
  Kokkos::parallel_for(
      "les:clear", Kokkos::RangePolicy<DeviceType>(0, n),
      KOKKOS_LAMBDA(const int i) { values(i) = 0.0; });
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
