// SPDX-License-Identifier: GPL-2.0-only
// Arrays of one pair_style les/kk on its device, which its parts share.

#ifndef PAIR_LES_KOKKOS_LES_DEVICE_KOKKOS_H
#define PAIR_LES_KOKKOS_LES_DEVICE_KOKKOS_H

#include "arrays_kokkos.h"
#include "graph_kokkos.h"
#include "kokkos_type.h"
#include "split_sum_kokkos.h"
#include "sums_kokkos.h"

#include <vector>

namespace LAMMPS_NS {

template <class DeviceType> struct LESDevice {
  using Doubles = Kokkos::View<double *, DeviceType>;
  static constexpr ExecutionSpace space = ExecutionSpaceFromDevice<DeviceType>::space;

  Kokkos::View<int *, DeviceType> species_of_type; // [ntypes + 1], -1 for NULL
  les_kokkos::GraphKokkos<DeviceType> graph;

  // The network takes and gives arrays of the host, and charges are found there: the device gets
  // them.
  bool through_host = false;

  int n_atoms = 0; // local
  Doubles energy;  // eV, of the local nodes

  // of the local atoms
  Doubles latent;  // e, as the network returned them
  Doubles charge;  // e, after the projection on a total charge
  Doubles extra;   // V, potential of the pair sum and of a field
  Doubles phi;     // V, as the backward pass takes it
  Doubles scratch; // what came from the host

  double energy_sum = 0.0, latent_sum = 0.0; // of this process, eV, e
  les_kokkos::Sums<4>
      charge_sums; // of this process: atom->q and its square, charges in e and their squares

  les_kokkos::SplitTableKokkos<DeviceType> split_table;
  les_kokkos::SplitTotals split_totals;
  Doubles virial_of_atoms; // [6 * nlocal] eV of the pair sum, where asked for

  // What the device has of the present step and the host has not yet.
  struct {
    bool graph = false, charges = false, potential = false;
  } newer;

  int n_nodes() const { return static_cast<int>(graph.n_local); } // local

  void set_species(const std::vector<int> &species)
  {
    les_kokkos::make_room(species_of_type, "les:species_of_type", species.size());
    les_kokkos::copy_to_device(species.data(), species.size(), species_of_type);
  }

  double bytes() const
  {
    return graph.bytes() + 8.0 * (energy.extent(0) + latent.extent(0) + charge.extent(0) +
                                  extra.extent(0) + phi.extent(0) + scratch.extent(0) +
                                  split_table.coefficients.extent(0) + virial_of_atoms.extent(0));
  }
};

} // namespace LAMMPS_NS

#endif
