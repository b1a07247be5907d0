// SPDX-License-Identifier: GPL-2.0-only
// Charges and external field of pair_style les/kk. The field, and charges that minimize the energy,
// are left to the host style, in arrays of the host.

#ifndef PAIR_LES_KOKKOS_LES_CHARGES_KOKKOS_H
#define PAIR_LES_KOKKOS_LES_CHARGES_KOKKOS_H

#include "les_charges.h"
#include "les_field.h"

#include "atom_kokkos.h"
#include "atom_masks.h"

#include "charges_kokkos.h"
#include "les_device_kokkos.h"

namespace LAMMPS_NS {

template <class DeviceType> class LESChargesKokkos : public LESCharges {
 public:
  LESChargesKokkos(LAMMPS *lmp, const LESUnits &units, const LESNetwork &network,
                   const LESElectrodeGroups &electrodes, LESDevice<DeviceType> &device) :
      LESCharges(lmp, units, network, electrodes), on_device(device)
  {}

  void take_latent() override
  {
    if (on_device.through_host) {
      atomKK->sync(Host, Q_MASK);
      LESCharges::take_latent();
      return;
    }
    set_charges(shift(on_device.latent_sum, on_device.n_atoms));
    on_device.newer.charges = true;
  }

  void sync_to_host() override
  {
    if (on_device.newer.charges)
      les_kokkos::copy_to_host(on_device.charge, on_device.n_atoms, charge);
    on_device.newer.charges = false;
  }

  void sync_atom_charges_to_host() override { atomKK->sync(Host, Q_MASK); }
  void atom_charges_changed_on_host() override { atomKK->modified(Host, Q_MASK); }
  bool on_host() const override { return false; }

 protected:
  void write(const std::vector<double> &values) override
  {
    atomKK->sync(Host, Q_MASK);
    LESCharges::write(values);
    atomKK->modified(Host, Q_MASK);
  }

  void values_changed() override
  {
    atomKK->sync(on_device.space, Q_MASK);
    les_kokkos::copy_to_device(charge.data(), on_device.n_atoms, on_device.latent);
    set_charges(0.0);
    on_device.newer.charges = false;
  }

 private:
  LESDevice<DeviceType> &on_device;

  // Charges of the device from its latent ones.
  void set_charges(double shift)
  {
    on_device.charge_sums = les_kokkos::set_charges<DeviceType>(
        on_device.latent, on_device.charge, on_device.extra,
        atomKK->k_q.template view<DeviceType>(), on_device.n_atoms, shift, units.charge, TINY);
    atomKK->modified(on_device.space, Q_MASK);
  }
};

template <class DeviceType> class LESFieldKokkos : public LESField {
 public:
  LESFieldKokkos(LAMMPS *lmp, const LESUnits &units, LESDevice<DeviceType> &) : LESField(lmp, units)
  {}

  void compute(LESCharges &charges, const LESTally &tally) override
  {
    if (!on()) return;
    constexpr ExecutionSpace space = LESDevice<DeviceType>::space;
    atomKK->sync(Host, X_MASK | F_MASK | IMAGE_MASK);
    LESField::compute(charges, tally);
    atomKK->modified(Host, F_MASK);
    atomKK->sync(space, F_MASK);
  }
};

} // namespace LAMMPS_NS

#endif
