// SPDX-License-Identifier: GPL-2.0-only
// What pair_style les/kk keeps on its device; private to the style.

#ifndef PAIR_LES_KOKKOS_PAIR_LES_DEVICE_KOKKOS_H
#define PAIR_LES_KOKKOS_PAIR_LES_DEVICE_KOKKOS_H

#include "pair_les_kokkos.h"

#include "arrays_kokkos.h"
#include "graph_kokkos.h"
#include "split_sum_kokkos.h"

namespace LAMMPS_NS {

template <class DeviceType> struct PairLESKokkos<DeviceType>::Device {
  using Doubles = Kokkos::View<double *, DeviceType>;

  Kokkos::View<int *, DeviceType> species_of_type; // [ntypes + 1], -1 for NULL
  les_kokkos::GraphKokkos<DeviceType> graph;

  // of the local nodes, which are the local atoms where there are charges
  Doubles energy;  // eV
  Doubles latent;  // e, as the network gave them
  Doubles charge;  // e, after the projection on a total charge
  Doubles extra;   // V, potential of the pair sum and of a field
  Doubles phi;     // V, as the backward pass sees it
  Doubles scratch; // what came from the host

  double energy_sum = 0.0, latent_sum = 0.0, correction_sum = 0.0; // of this process, eV, e, eV
  bool home = false;      // the host has graph, charges and potential as they are
  bool phi_known = false; // of the charges of this step

  les_kokkos::SplitTableKokkos<DeviceType> split_table;
  les_kokkos::SplitTotals split_totals;
  Doubles virial_of_atoms; // [6 * nlocal] eV of the pair sum, where asked for

  double bytes() const
  {
    return graph.bytes() + 8.0 * (energy.extent(0) + latent.extent(0) + charge.extent(0) +
                                  extra.extent(0) + phi.extent(0) + scratch.extent(0) +
                                  split_table.coefficients.extent(0) + virial_of_atoms.extent(0));
  }
};

} // namespace LAMMPS_NS

#endif
