// SPDX-License-Identifier: GPL-2.0-only
// What pppm/kk keeps to itself and its children: the sums of its charges.

#ifndef PAIR_LES_KOKKOS_KSPACE_ACCESS_KOKKOS_H
#define PAIR_LES_KOKKOS_KSPACE_ACCESS_KOKKOS_H

#include "pppm_kokkos.h"

namespace LAMMPS_NS {

template <class DeviceType> struct PPPMKokkosAccess : public PPPMKokkos<DeviceType> {
  // what KSpace::qsum_qsq() finds by reading all charges on the host; sums over all processes
  static void set_charge_sums(PPPMKokkos<DeviceType> *kspace, double sum, double sum_of_squares,
                              double qqrd2e)
  {
    kspace->*(&PPPMKokkosAccess::qsum) = sum;
    kspace->*(&PPPMKokkosAccess::qsqsum) = sum_of_squares;
    kspace->*(&PPPMKokkosAccess::q2) = sum_of_squares * qqrd2e;
  }

  // compute() will read all charges on the host because the number of atoms has changed
  static bool will_sum_charges(PPPMKokkos<DeviceType> *kspace, bigint natoms)
  {
    return kspace->*(&PPPMKokkosAccess::natoms_original) != natoms;
  }
};

} // namespace LAMMPS_NS

#endif
