/* -*- c++ -*- ----------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   pair_style les/kk of the pair_les package
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(les/kk,PairLESKokkos<LMPDeviceType>);
PairStyle(les/kk/device,PairLESKokkos<LMPDeviceType>);
PairStyle(les/kk/host,PairLESKokkos<LMPHostType>);
// clang-format on
#else

#ifndef LMP_PAIR_LES_KOKKOS_H
#define LMP_PAIR_LES_KOKKOS_H

#include "kokkos_base.h"
#include "kokkos_type.h"
#include "pair_les.h"

namespace LAMMPS_NS {

// Types of the arguments below, which LAMMPS renamed on 10 Sep 2025. A class of its own: in another
// one nvcc writes &KokkosBase::pack_forward_comm_kokkos for its host compiler in a way that this
// does not take.
template <class Method> struct PairLESCommOf;
template <class List, class Buffer>
struct PairLESCommOf<int (KokkosBase::*)(int, List, Buffer &, int, int *)> {
  using list = List;
  using buffer = Buffer;
};
struct PairLESComm : PairLESCommOf<decltype(&KokkosBase::pack_forward_comm_kokkos)> {};

template <class DeviceType> struct LESDevice;

// pair_style les whose parts (les_*_kokkos.h) keep their data on the device.
template <class DeviceType> class PairLESKokkos : public PairLES, public KokkosBase {
 public:
  PairLESKokkos(class LAMMPS *);
  ~PairLESKokkos() override;

  void compute(int, int) override;
  void init_style() override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_forward_comm_kokkos(int, PairLESComm::list, PairLESComm::buffer &, int, int *) override;
  void unpack_forward_comm_kokkos(int, int, PairLESComm::buffer &) override;

 private:
  std::unique_ptr<LESDevice<DeviceType>> device; // arrays of the parts

  void check_kokkos();
  bool energies_of_atoms_wanted() const;
};

} // namespace LAMMPS_NS

#endif
#endif
