// SPDX-License-Identifier: GPL-2.0-only
// Charges of pair_style les/kk to potential: on the device where kspace_style is pppm/kk, through
// the host where it is another. Output of single atoms, an external field and the direct sum of an
// isolated system are left to the host style.

#ifndef PAIR_LES_KOKKOS_LES_LONG_RANGE_KOKKOS_H
#define PAIR_LES_KOKKOS_LES_LONG_RANGE_KOKKOS_H

#include "les_long_range.h"
#include "les_split_sum.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "neigh_list_kokkos.h"

#include "charges_kokkos.h"
#include "kspace_access_kokkos.h"
#include "les_device_kokkos.h"
#include "mesh_potential_kokkos.h"

namespace LAMMPS_NS {

template <class DeviceType> class LESSplitSumKokkos : public LESSplitSum {
 public:
  LESSplitSumKokkos(LAMMPS *lmp, const LESUnits &units, LESNetwork &network, LESCharges &charges,
                    const LESSolverSettings &settings, LESDevice<DeviceType> &device) :
      LESSplitSum(lmp, units, network, charges, settings), on_device(device)
  {}

 protected:
  void tabulate() override
  {
    const double before = tabulated();
    LESSplitSum::tabulate();
    if (tabulated() != before) on_device.split_table.copy(table);
  }

  // the potential of the device is cleared where charges are taken
  void clear() override
  {
    if (!on_device.through_host) return;
    LESSplitSum::clear();
    Kokkos::deep_copy(on_device.extra, 0.0);
  }

  void sum_potential() override
  {
    atomKK->sync(on_device.space, Q_MASK);
    on_device.virial_of_atoms = {};
    sum_pairs(std::decay_t<decltype(atomKK->k_f.template view<DeviceType>())>());
    les_kokkos::copy_to_host(on_device.extra, on_device.n_atoms, sum.potential);
  }

  void sum_pairs(pair_les::PairSum::Virial wanted) override
  {
    atomKK->sync(on_device.space, Q_MASK); // ghosts may have arrived on the host
    on_device.virial_of_atoms = {};
    if (wanted == pair_les::PairSum::Virial::per_atom)
      les_kokkos::make_room(on_device.virial_of_atoms, "les:virial", 6 * on_device.n_atoms);
    sum_pairs(atomKK->k_f.template view<DeviceType>());
    atomKK->modified(on_device.space, F_MASK);
  }

  void tally_sum(const LESTally &tally) override
  {
    const auto &totals = on_device.split_totals;
    if (tally.coulomb) *tally.coulomb += 0.5 * units.energy * totals.charge_potential;
    if (tally.virial)
      for (int k = 0; k < 6; k++)
        tally.virial[k] +=
            units.energy * (totals.virial[k] + (k < 3 ? background() * totals.charge : 0.0));
    if (!tally.energies && !tally.virials_of_atoms()) return;

    charges.sync_to_host();
    les_kokkos::copy_to_host(on_device.extra, on_device.n_atoms, sum.potential);
    if (tally.virials_of_atoms())
      les_kokkos::copy_to_host(on_device.virial_of_atoms, 6 * on_device.n_atoms, sum.virial);
    tally_pair_sum_of_atoms(sum, charges.values(), background(), units, tally);
  }

 private:
  LESDevice<DeviceType> &on_device;

  template <class Forces> void sum_pairs(const Forces &forces)
  {
    on_device.split_totals = les_kokkos::sum_pairs<DeviceType>(
        atomKK->k_x.template view<DeviceType>(), forces, atomKK->k_q.template view<DeviceType>(),
        *static_cast<NeighListKokkos<DeviceType> *>(network.list()), on_device.split_table,
        settings.cutoff, units.charge, units.energy, NEIGHMASK, on_device.extra,
        on_device.virial_of_atoms);
  }
};

template <class DeviceType> class LESLongRangeKokkos : public LESLongRange {
 public:
  LESLongRangeKokkos(LAMMPS *lmp, const LESUnits &units, const LESNetwork &network,
                     LESCharges &charges, const LESField &field, LESSplitSum &split_sum,
                     KSpaceBox &kspace_box, const LESSolverSettings &settings,
                     LESDevice<DeviceType> &device) :
      LESLongRange(lmp, units, network, charges, field, split_sum, kspace_box, settings),
      on_device(device)
  {}

  void charges_changed() override
  {
    if (solver != KSPACE) return;
    auto *const pppm = pppm_on_device();
    if (!pppm) {
      atomKK->sync(Host, Q_MASK);
      LESLongRange::charges_changed();
      return;
    }
    double all[2];
    MPI_Allreduce(on_device.charge_sums.value, all, 2, MPI_DOUBLE, MPI_SUM, world);
    using Access = PPPMKokkosAccess<DeviceType>;
    Access::set_charge_sums(pppm, all[0], all[1], force->qqrd2e);
    if (Access::will_sum_charges(pppm, atom->natoms)) atomKK->sync(Host, Q_MASK);
  }

  void tally_corrections(const LESTally &tally) override
  {
    if (solver == NONE) return;
    const double offset = correction(0.0), slope = correction(1.0) - offset;
    const double *const sums = on_device.charge_sums.value;
    if (tally.coulomb) *tally.coulomb += 0.5 * units.energy * (offset * sums[2] + slope * sums[3]);
    if (!tally.energies) return;
    charges.sync_to_host();
    LESTally of_atoms;
    of_atoms.energies = tally.energies;
    LESLongRange::tally_corrections(of_atoms);
  }

  void compute(const LESTally &tally) override
  {
    if (solver != DIRECT) {
      LESLongRange::compute(tally);
      return;
    }
    charges.sync_to_host();
    atomKK->sync(Host, X_MASK | F_MASK);
    LESLongRange::compute(tally);
    atomKK->modified(Host, F_MASK);
    atomKK->sync(on_device.space, F_MASK);
    les_kokkos::copy_to_device(direct.potential.data(), direct.potential.size(), on_device.extra);
  }

  bool reads_energies_of_atoms() const override { return by_kspace() && !pppm_on_device(); }

  // forces and positions are kept and put back on the host
  void compute_kspace_alone() override
  {
    atomKK->sync(Host, X_MASK | F_MASK | Q_MASK);
    LESLongRange::compute_kspace_alone();
    atomKK->modified(Host, X_MASK | F_MASK);
  }

  void tally_slab_virial(const LESTally &tally) override
  {
    atomKK->sync(Host, X_MASK);
    LESLongRange::tally_slab_virial(tally);
  }

  // forces of the host cannot be kept and put back while those of the device are under way
  void compute_missing_energies() override
  {
    error->all(
        FLERR,
        "pair_style les/kk needs per-atom energies of a kspace style without /kk on each step, for "
        "which commands like dynamical_matrix do not ask; type 'kspace_style pppm/kk 1.0e-5'");
  }

  void update_potential() override
  {
    if (solver == NONE) return;
    const int n = on_device.n_atoms;
    add_field(n);
    double local_sum, sum;
    if (auto *const pppm = pppm_on_device()) {
      if (PPPMMeshAccess<DeviceType>::corrects_slab(pppm)) add_slab(pppm, n);
      local_sum = set_potential(PPPMMeshAccess<DeviceType>::potential(pppm, force->qqrd2e), n);
    } else {
      les_kokkos::make_room(on_device.scratch, "les:kspace_energy", n);
      if (solver == KSPACE) les_kokkos::copy_to_device(force->kspace->eatom, n, on_device.scratch);
      local_sum = set_potential(Energies{on_device.scratch}, n);
    }

    if (on_device.through_host) {
      les_kokkos::copy_to_host(on_device.phi, n, phi);
      for (double &value : phi) value += charges.compensation();
      charges.project_back(phi);
      les_kokkos::copy_to_device(phi.data(), n, on_device.phi);
      return;
    }
    // q - mean(q) is a projection: its transpose acts on the potential
    if (charges.projects()) {
      MPI_Allreduce(&local_sum, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
      les_kokkos::shift<DeviceType>(on_device.phi, n, -sum / charges.n_atoms());
    }
    on_device.newer.potential = true;
  }

  const double *seed() const override
  {
    if (on_device.through_host) return LESLongRange::seed();
    return solver == NONE ? nullptr : on_device.phi.data();
  }

  void sync_to_host() override
  {
    if (on_device.newer.potential) les_kokkos::copy_to_host(on_device.phi, on_device.n_atoms, phi);
    on_device.newer.potential = false;
  }

 protected:
  void evaluate_kspace() override
  {
    KSpace *const kspace = force->kspace;
    atomKK->sync(kspace->execution_space, kspace->datamask_read);
    LESLongRange::evaluate_kspace();
    atomKK->modified(kspace->execution_space, kspace->datamask_modify);
    atomKK->sync(Host, X_MASK | F_MASK);
  }

 private:
  using Energies = les_kokkos::PotentialFromEnergy<typename LESDevice<DeviceType>::Doubles>;
  LESDevice<DeviceType> &on_device;

  PPPMKokkos<DeviceType> *pppm_on_device() const
  {
    return dynamic_cast<PPPMKokkos<DeviceType> *>(force->kspace);
  }

  // Potential of the correction of a slab in on_device.extra.
  void add_slab(PPPMKokkos<DeviceType> *pppm, int n)
  {
    const auto x = atomKK->k_x.template view<DeviceType>();
    const auto mine =
        les_kokkos::slab_moments<DeviceType>(x, atomKK->k_q.template view<DeviceType>(), n);
    double all[2];
    MPI_Allreduce(mine.value, all, 2, MPI_DOUBLE, MPI_SUM, world);
    const auto slab = PPPMMeshAccess<DeviceType>::slab(pppm, all, force->qqrd2e, domain->zprd);
    les_kokkos::add_slab_potential<DeviceType>(on_device.extra, x, n, units.volt() * slab.unit,
                                               slab.dipole, slab.constant, slab.charge);
  }

  // Potential of the field in on_device.extra; positions on the host are those of
  // LESFieldKokkos::compute().
  void add_field(int n)
  {
    if (!field.on()) return;
    std::vector<double> potential(n);
    les_kokkos::copy_to_host(on_device.extra, n, potential);
    for (int i = 0; i < n; i++) potential[i] += field.potential(i);
    les_kokkos::copy_to_device(potential.data(), n, on_device.extra);
  }

  // Returns the sum over the local atoms.
  template <class Solver> double set_potential(const Solver &of_solver, int n)
  {
    const double offset = correction(0.0), slope = correction(1.0) - offset;
    const double scale = solver == KSPACE ? units.volt() : 0.0;
    return les_kokkos::set_potential<DeviceType>(on_device.phi, on_device.charge, on_device.extra,
                                                 of_solver, atomKK->k_q.template view<DeviceType>(),
                                                 n, offset, slope, scale);
  }
};

} // namespace LAMMPS_NS

#endif
