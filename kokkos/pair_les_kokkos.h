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

// Types of the arguments below, which LAMMPS renamed on 10 Sep 2025. A class of its own: in another one nvcc writes
// &KokkosBase::pack_forward_comm_kokkos for its host compiler in a way that this does not take.
template <class Method> struct PairLESCommOf;
template <class List, class Buffer>
struct PairLESCommOf<int (KokkosBase::*)(int, List, Buffer &, int, int *)> {
  using list = List;
  using buffer = Buffer;
};
struct PairLESComm : PairLESCommOf<decltype(&KokkosBase::pack_forward_comm_kokkos)> {};

template <class DeviceType> class PairLESKokkos : public PairLES, public KokkosBase {
 public:
  PairLESKokkos(class LAMMPS *);
  ~PairLESKokkos() override;

  void compute(int, int) override;
  void init_style() override;
  double memory_usage() override;
  void bring_home() override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_forward_comm_kokkos(int, PairLESComm::list, PairLESComm::buffer &, int, int *) override;
  void unpack_forward_comm_kokkos(int, int, PairLESComm::buffer &) override;

 protected:
  struct Device; // arrays of the device and the evaluator over them
  Device *device;

  bool can_communicate() const override
  {
    return false;
  } // the network runs where Kokkos keeps its arrays
  // forces and energies of atoms are on the device
  bool can_measure_errors() const override { return false; }
  void load_model(const std::string &) override;
  void create_internal_styles() override;
  void update_lists() override;
  void build_graph() override;
  void run_forward() override;
  std::string too_close() override;
  void update_charges() override;
  void init_kspace() override;
  void tally_energies() override;
  double reference_energy() const override;
  void compute_field() override;
  void tabulate_split() override;
  void clear_pair_sum() override;
  void sum_pairs() override;
  void compute_direct() override;
  void tally_pair_sum(double) override;
  void compute_kspace_alone() override;
  void update_potential() override;
  void scatter_edge_gradient(double *, double **, double **) override;

 private:
  void check_kokkos();
  void bring_charges_home();
  bool energies_of_atoms_wanted() const;
  std::string explain(const std::exception &) const;
};

} // namespace LAMMPS_NS

#endif
#endif
