/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les/kk: pair_style les with its data on the device from the neighbor list to the
   forces. Commands, checks and the order of a step are those of the host style.
------------------------------------------------------------------------- */

#include "pair_les_kokkos.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "comm.h"
#include "compute.h"
#include "error.h"
#include "force.h"
#include "kokkos.h"
#include "kspace.h"
#include "modify.h"
#include "neigh_request.h"
#include "neighbor.h"
#include "update.h"

#include "charges_kokkos.h"
#include "les_charges_kokkos.h"
#include "les_long_range_kokkos.h"
#include "les_network_kokkos.h"
#include "les_parts.h"

#include <type_traits>

using namespace LAMMPS_NS;

template <class DeviceType>
PairLESKokkos<DeviceType>::PairLESKokkos(LAMMPS *lmp) :
    PairLES(lmp, NoParts()), device(new LESDevice<DeviceType>)
{
  this->template create_parts<LESNetworkKokkos<DeviceType>, LESChargesKokkos<DeviceType>,
                              LESFieldKokkos<DeviceType>, LESSplitSumKokkos<DeviceType>,
                              LESLongRangeKokkos<DeviceType>>(*device);
  kokkosable = 1;
  execution_space = ExecutionSpaceFromDevice<DeviceType>::space;
  datamask_read = EMPTY_MASK; // compute() says what it touches
  datamask_modify = EMPTY_MASK;
}

template <class DeviceType> PairLESKokkos<DeviceType>::~PairLESKokkos() = default;

template <class DeviceType> void PairLESKokkos<DeviceType>::check_kokkos()
{
  if (!force->newton_pair)
    error->all(FLERR,
               "pair_style les/kk needs newton pair on, which is off by default on GPUs; type "
               "'package kokkos newton on neigh half' or '-pk kokkos newton on neigh half'");
  using Charge = typename std::decay_t<
      decltype(atomKK->k_q.template view<DeviceType>())>::non_const_value_type;
  if (!std::is_same_v<Charge, double>)
    error->all(FLERR, "pair_style les/kk needs a LAMMPS whose KOKKOS package computes in double "
                      "precision; build it with '-D KOKKOS_PREC=double'");
  if (comm->nprocs > 1 && comm->me == 0 && !std::is_same_v<DeviceType, LMPHostType> &&
      !lmp->kokkos->gpu_aware_flag)
    utils::logmesg(
        lmp,
        "pair_style les/kk: MPI is not used as GPU-aware, so that all data of ghost atoms pass "
        "through the host; with an MPI that is type '-pk kokkos gpu/aware on newton on neigh "
        "half'\n");
}

template <class DeviceType> void PairLESKokkos<DeviceType>::init_style()
{
  check_kokkos();
  atomKK->sync(Host, TYPE_MASK | RMASS_MASK); // masses are checked there
  PairLES::init_style();
  auto *const request = neighbor->find_request(this);
  const bool on_host = std::is_same_v<DeviceType, LMPHostType>;
  request->set_kokkos_host(on_host && !std::is_same_v<DeviceType, LMPDeviceType>);
  request->set_kokkos_device(std::is_same_v<DeviceType, LMPDeviceType>);

  device->set_species(network->species());
  device->through_host =
      network->equilibrates() || electrodes->on() || network->messages.communicates();
  if (fix_backward) { // it calls backward() and touches no data of atoms itself
    fix_backward->kokkosable = 1;
    fix_backward->execution_space = execution_space;
    fix_backward->datamask_read = EMPTY_MASK;
    fix_backward->datamask_modify = EMPTY_MASK;
  }
  if (long_range->by_kspace() && !on_host && force->kspace->execution_space == Host &&
      comm->me == 0)
    utils::logmesg(lmp,
                   "pair_style les/kk: kspace_style {} runs on the host: charges, forces and "
                   "potentials are copied on every step; type 'kspace_style pppm/kk 1.0e-5'\n",
                   force->kspace_style);
}

// The potential needs the energies of atoms that kspace has, on every step: not those of this
// style.
template <class DeviceType> bool PairLESKokkos<DeviceType>::energies_of_atoms_wanted() const
{
  for (auto *compute : modify->get_compute_list())
    if (compute->peatomflag && compute != kspace_energy && compute->matchstep(update->ntimestep))
      return true;
  return false;
}

template <class DeviceType> void PairLESKokkos<DeviceType>::compute(int eflag, int vflag)
{
  // pair_style hybrid adds up those of its styles whoever wants them
  if (force->pair == this && !energies_of_atoms_wanted()) eflag &= ~ENERGY_ATOM;
  atomKK->sync(execution_space, X_MASK | F_MASK | TYPE_MASK | Q_MASK);
  PairLES::compute(eflag, vflag);
}

template <class DeviceType>
int PairLESKokkos<DeviceType>::pack_forward_comm(int n, int *list, double *buf, int pbc_flag,
                                                 int *pbc)
{
  atomKK->sync(Host, Q_MASK);
  return PairLES::pack_forward_comm(n, list, buf, pbc_flag, pbc);
}

template <class DeviceType>
void PairLESKokkos<DeviceType>::unpack_forward_comm(int n, int first, double *buf)
{
  PairLES::unpack_forward_comm(n, first, buf);
  atomKK->modified(Host, Q_MASK);
}

template <class DeviceType>
int PairLESKokkos<DeviceType>::pack_forward_comm_kokkos(int n, PairLESComm::list k_list,
                                                        PairLESComm::buffer &buffer, int, int *)
{
  atomKK->sync(execution_space, Q_MASK); // charges that were found on the host
  les_kokkos::pack_charges<DeviceType>(atomKK->k_q.template view<DeviceType>(),
                                       k_list.template view<DeviceType>(),
                                       buffer.template view<DeviceType>(), n);
  return n;
}

template <class DeviceType>
void PairLESKokkos<DeviceType>::unpack_forward_comm_kokkos(int n, int first,
                                                           PairLESComm::buffer &buffer)
{
  les_kokkos::unpack_charges<DeviceType>(atomKK->k_q.template view<DeviceType>(),
                                         buffer.template view<DeviceType>(), n, first);
  atomKK->modified(execution_space, Q_MASK);
}

namespace LAMMPS_NS {
template class PairLESKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairLESKokkos<LMPHostType>;
#endif
} // namespace LAMMPS_NS
