// SPDX-License-Identifier: GPL-2.0-only
// The network on the device: graph from the Kokkos neighbor list, forward and backward pass on
// arrays of the device. Virials of atoms are summed on the host, on the steps that ask for them.
// With messages between processes, and charges that minimize the energy, the network gets the graph
// by way of the host, and forces are added there.

#ifndef PAIR_LES_KOKKOS_LES_NETWORK_KOKKOS_H
#define PAIR_LES_KOKKOS_LES_NETWORK_KOKKOS_H

#include "les_network.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "comm.h"
#include "kokkos.h"
#include "neigh_list_kokkos.h"

#include "charges_kokkos.h"
#include "core/constants.h"
#include "core_library.h"
#include "edge_forces_kokkos.h"
#include "fused_ops_kokkos.h"
#include "les_device_kokkos.h"
#include "les_failure.h"

#include <stdexcept>
#include <type_traits>

namespace LAMMPS_NS {

template <class DeviceType> class LESNetworkKokkos : public LESNetwork {
 public:
  LESNetworkKokkos(LAMMPS *lmp, Pair *pair, const LESUnits &units, LESDevice<DeviceType> &device) :
      LESNetwork(lmp, pair, units, std::is_same_v<DeviceType, LMPHostType>), on_device(device)
  {}

  void backward(const double *seed, const LESTally &tally) override
  {
    if (on_device.through_host) {
      atomKK->sync(Host, F_MASK);
      LESNetwork::backward(seed, tally);
      atomKK->modified(Host, F_MASK);
      atomKK->sync(on_device.space, F_MASK);
      return;
    }
    const void *gradient = nullptr;
    stop_on_failure(lmp, attempt("les: torch backward", [&] {
                      evaluator->backward(seed);
                      gradient = evaluator->device_edge_gradient();
                    }));
    if (tally.virials_of_atoms()) {
      sync_to_host();
      const auto values = on_device.graph.gradient_on_host(gradient);
      atomKK->sync(Host, F_MASK);
      add_edge_forces(values.data(), tally);
      atomKK->modified(Host, F_MASK);
      atomKK->sync(on_device.space, F_MASK);
      return;
    }
    atomKK->sync(on_device.space, X_MASK | F_MASK);
    const auto w = les_kokkos::add_edge_forces(
        on_device.graph, gradient, atomKK->k_x.template view<DeviceType>(),
        atomKK->k_f.template view<DeviceType>(), units.energy);
    atomKK->modified(on_device.space, F_MASK);
    if (tally.virial)
      for (int k = 0; k < 6; k++) tally.virial[k] += w.value[k];
  }

  void tally_energies(const LESTally &tally) override
  {
    if (on_device.through_host) {
      LESNetwork::tally_energies(tally);
      return;
    }
    if (tally.short_range)
      *tally.short_range += units.energy * (reference_energy() + on_device.energy_sum);
    if (!tally.energies) return;
    sync_to_host();
    std::vector<double> energy;
    les_kokkos::copy_to_host(on_device.energy, on_device.n_nodes(), energy);
    for (std::size_t n = 0; n < energy.size(); n++)
      tally.energies[edges.atom[n]] +=
          units.energy * (metadata().reference_energy(edges.species[n]) + energy[n]);
  }

  void sync_to_host() override
  {
    if (on_device.newer.graph) on_device.graph.copy_to(edges);
    on_device.newer.graph = false;
  }

  double bytes() const override { return LESNetwork::bytes() + on_device.bytes(); }

 protected:
  // for every step and for the computes, which give the evaluator graphs of the host
  void load(const std::string &archive) override
  {
    if (device.is_gpu())
      throw std::runtime_error(
          "pair_style les/kk computes where KOKKOS does, and has no keyword device; "
          "leave out 'device " +
          device.name + "' and type '-k on g 1'");
    pair_les::EvaluatorOptions options;
    options.threads = lmp->kokkos->nthreads;
    options.tape_bytes = tape_bytes;
    options.device.instead = "run without '-k on g'";
    if (!std::is_same_v<DeviceType, LMPHostType>)
      options.device.name = fmt::format("cuda:{}", Kokkos::device_id()); // KOKKOS took it by rank
    les_kokkos::choose_fused_kernels(options.device.is_gpu());
    evaluator = pair_les::create_evaluator(name, archive, options);
    on_device.graph.in_double = evaluator->double_precision();
  }

  // from the list of LAMMPS directly, also where it reaches further than the network
  void fill_graph(double /*list_cutoff*/) override
  {
    on_device.newer = {};
    std::string failure;
    try {
      const auto &neighbors = *static_cast<NeighListKokkos<DeviceType> *>(list());
      les_kokkos::build(on_device.graph, atomKK->k_x.template view<DeviceType>(),
                        atomKK->k_type.template view<DeviceType>(), on_device.species_of_type,
                        neighbors, atom->nlocal, atom->nlocal + atom->nghost, cutoff(),
                        messages.recomputed_layers(), pair_les::SMALLEST_DISTANCE, NEIGHMASK);
      on_device.n_atoms = atom->nlocal;
      les_kokkos::make_room(on_device.energy, "les:energy", on_device.graph.n_local);
      if (long_range())
        for (auto *array : {&on_device.latent, &on_device.charge, &on_device.extra, &on_device.phi})
          les_kokkos::make_room(*array, "les:charge", on_device.n_atoms);
    } catch (const std::exception &e) {
      failure = explain(pair_les::OutOfMemory(e.what()));
    }
    stop_on_failure(lmp, failure);
    on_device.newer.graph = true;
  }

  std::string evaluate() override
  {
    if (on_device.through_host) {
      sync_to_host();
      atomKK->sync(Host, X_MASK | Q_MASK | TAG_MASK | TYPE_MASK | MASK_MASK | IMAGE_MASK);
      return LESNetwork::evaluate();
    }
    const bool charges = long_range() != nullptr;
    std::string failure;
    const auto caught = attempt("les: torch forward", [&] {
      evaluator->forward(on_device.graph.arrays(), on_device.energy.data(),
                         charges ? on_device.latent.data() : nullptr);
    });
    if (!caught.empty()) return caught;
    const auto sums = les_kokkos::sum_and_check<DeviceType>(on_device.energy, on_device.latent,
                                                            charges, on_device.n_nodes());
    on_device.energy_sum = sums.value[0];
    on_device.latent_sum = sums.value[2];
    if (sums.value[1] > 0.0) failure = not_finite("an energy");
    if (sums.value[3] > 0.0) failure = not_finite("a charge");
    return failure;
  }

  std::string describe_overlap() override
  {
    if (on_device.graph.n_short_edges == 0) return "";
    sync_to_host();
    atomKK->sync(Host, TAG_MASK);
    return LESNetwork::describe_overlap();
  }

 private:
  LESDevice<DeviceType> &on_device;

  // Call torch and return the message of an exception. torch has a stream of its own: what Kokkos
  // has begun must have ended before; the evaluator returns when torch is done.
  template <class Action> std::string attempt(const char *region, const Action &action) const
  {
    try {
      DeviceType().fence("les: before torch");
      Kokkos::Profiling::pushRegion(region);
      action();
      Kokkos::Profiling::popRegion();
    } catch (const std::exception &e) {
      return explain(e);
    }
    return "";
  }

  // eV; atoms are counted, as on the host: large numbers are not summed one by one
  double reference_energy() const
  {
    const auto &energies = metadata().reference_energies;
    double sum = 0.0;
    for (std::size_t s = 0; s < energies.size(); s++)
      sum += energies[s] * les_kokkos::count<DeviceType>(on_device.graph.species,
                                                         static_cast<int>(s), on_device.n_nodes());
    return sum;
  }

  std::string explain(const std::exception &e) const
  {
    if (!dynamic_cast<const pair_les::OutOfMemory *>(&e)) return e.what();
    const std::string text(e.what());
    return fmt::format("pair_style les/kk ran out of memory on process {} with {} atoms, {} ghost "
                       "atoms and {} edges; "
                       "use more processes or GPUs, or fewer atoms ({})",
                       comm->me, atom->nlocal, atom->nghost, on_device.graph.n_edges,
                       text.substr(0, text.find('\n')));
  }
};

} // namespace LAMMPS_NS

#endif
