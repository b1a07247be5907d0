// SPDX-License-Identifier: GPL-2.0-only
// Arrays of a device that are used again on every step, and their way to the host for the few who
// want them there.

#ifndef PAIR_LES_KOKKOS_ARRAYS_KOKKOS_H
#define PAIR_LES_KOKKOS_ARRAYS_KOKKOS_H

#include "core/growth_policy.h"

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace LAMMPS_NS {
namespace les_kokkos {

// Room for at least `needed` elements, contents not kept. The old array goes first: both need not
// fit.
template <class View> void make_room(View &view, const char *name, std::int64_t needed)
{
  const auto present = static_cast<std::int64_t>(view.extent(0));
  const std::int64_t capacity = pair_les::capacity_for(needed, present);
  if (capacity == present) return;
  view = View();
  view = View(Kokkos::view_alloc(Kokkos::WithoutInitializing, std::string(name)), capacity);
}

// memory of the host as a view that can be copied from or to a view of type View
template <class T, class View>
using HostArray = Kokkos::View<T *, typename View::array_layout, Kokkos::HostSpace,
                               Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

// the first n elements
template <class T, class View>
void copy_to_host(const View &from, std::int64_t n, std::vector<T> &to)
{
  to.resize(static_cast<std::size_t>(n));
  if (n == 0) return;
  const auto part = Kokkos::subview(from, std::make_pair(std::int64_t(0), n));
  Kokkos::deep_copy(HostArray<T, View>(to.data(), to.size()), part);
}

template <class T, class View> void copy_to_device(const T *from, std::int64_t n, const View &to)
{
  if (n == 0) return;
  const auto part = Kokkos::subview(to, std::make_pair(std::int64_t(0), n));
  Kokkos::deep_copy(part, HostArray<const T, View>(from, n));
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
