// SPDX-License-Identifier: GPL-2.0-only
// Charges and external field of pair_style les/kk. The field is left to the host style, in arrays
// of the host.

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
    const int n = on_device.n_local();
    on_device.charge_sums =
        les_kokkos::set_charges<DeviceType>(on_device.latent, on_device.charge, on_device.extra,
                                            atomKK->k_q.template view<DeviceType>(), n,
                                            shift(on_device.latent_sum, n), units.charge, TINY);
    atomKK->modified(on_device.space, Q_MASK);
    on_device.newer.charges = true;
  }

  void sync_to_host() override
  {
    if (on_device.newer.charges)
      les_kokkos::copy_to_host(on_device.charge, on_device.n_local(), charge);
    on_device.newer.charges = false;
  }

  void sync_atom_charges_to_host() override { atomKK->sync(Host, Q_MASK); }
  bool on_host() const override { return false; }

 private:
  LESDevice<DeviceType> &on_device;
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
