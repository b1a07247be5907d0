/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les/kk and its kspace style: charges handed over and the potential taken back on the device
   where kspace_style is pppm/kk, through the host where it is another. Per-atom output, an external field and
   the direct sum of an isolated system are left to the host style.
------------------------------------------------------------------------- */

#include "pair_les_kokkos.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "neigh_list_kokkos.h"

#include "charges_kokkos.h"
#include "kspace_access_kokkos.h"
#include "pair_les_device_kokkos.h"
#include "pair_les_model.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::update_charges()
{
  const int n = static_cast<int>(device->graph.n_local);
  const double shift = shift_of_charges(device->latent_sum, n);
  const double offset = potential_correction(0.0), slope = potential_correction(1.0) - offset;
  const auto mine = les_kokkos::set_charges<DeviceType>(
      device->latent, device->charge, atomKK->k_q.template view<DeviceType>(), n, shift,
      charge_unit, TINY_CHARGE, offset, slope);
  atomKK->modified(execution_space, Q_MASK);
  device->correction_sum = mine.value[2];
  les_kokkos::clear<DeviceType>(device->extra, n);
  if (solver != KSPACE) return;

  auto *const pppm = dynamic_cast<PPPMKokkos<DeviceType> *>(force->kspace);
  if (!pppm) {
    atomKK->sync(Host, Q_MASK);
    force->kspace->qsum_qsq(0);
    return;
  }
  double all[2];
  MPI_Allreduce(mine.value, all, 2, MPI_DOUBLE, MPI_SUM, world);
  using Access = PPPMKokkosAccess<DeviceType>;
  Access::set_charge_sums(pppm, all[0], all[1], force->qqrd2e);
  if (Access::will_sum_charges(pppm, atom->natoms)) atomKK->sync(Host, Q_MASK);
}

/* ----------------------------------------------------------------------
   it reads the charges on the host; rare
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::init_kspace()
{
  atomKK->sync(Host, Q_MASK);
  PairLES::init_kspace();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::tally_energies()
{
  if (eflag_global) {
    eng_vdwl += energy_unit * (reference_energy() + device->energy_sum);
    if (solver != NONE) eng_coul += energy_unit * device->correction_sum;
  }
  if (!eflag_atom) return;

  std::vector<double> energy;
  bring_home();
  les_kokkos::copy_home(device->energy, device->graph.n_local, energy);
  for (std::size_t n = 0; n < energy.size(); n++) {
    const double charge = (solver == NONE) ? 0.0 : model->solver_charge[n];
    const double correction = (solver == NONE) ? 0.0 : 0.5 * charge * potential_correction(charge);
    tally_atom(static_cast<int>(n), energy[n] + correction);
  }
}

/* ----------------------------------------------------------------------
   atoms are counted, as on the host: large numbers are not summed one by one
------------------------------------------------------------------------- */

template <class DeviceType> double PairLESKokkos<DeviceType>::reference_energy() const
{
  const auto &energies = model->metadata().reference_energies;
  double sum = 0.0;
  for (std::size_t s = 0; s < energies.size(); s++)
    sum += energies[s] * les_kokkos::count<DeviceType>(device->graph.species, static_cast<int>(s),
                                                       device->graph.n_local);
  return sum;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::compute_field()
{
  if (!model->field.on) return;
  bring_charges_home();
  atomKK->sync(Host, X_MASK | F_MASK | IMAGE_MASK);
  PairLES::compute_field();
  atomKK->modified(Host, F_MASK);
  atomKK->sync(execution_space, F_MASK);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::tabulate_split()
{
  const double before = tabulated_gewald;
  PairLES::tabulate_split();
  if (tabulated_gewald != before) device->split_table.copy(model->split_table);
}

/* ----------------------------------------------------------------------
   update_charges() has cleared it
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::clear_pair_sum() {}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::sum_pairs()
{
  atomKK->sync(execution_space, Q_MASK); // ghosts may have arrived on the host
  device->virial_of_atoms = {};
  if (vflag_atom || cvflag_atom)
    les_kokkos::make_room(device->virial_of_atoms, "les:virial", 6 * device->graph.n_local);
  device->split_totals = les_kokkos::sum_pairs<DeviceType>(
      atomKK->k_x.template view<DeviceType>(), atomKK->k_f.template view<DeviceType>(),
      atomKK->k_q.template view<DeviceType>(), *static_cast<NeighListKokkos<DeviceType> *>(list),
      device->split_table, cut_coul, charge_unit, energy_unit, NEIGHMASK, device->extra,
      device->virial_of_atoms);
  atomKK->modified(execution_space, F_MASK);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::tally_pair_sum(double background)
{
  if (solver == DIRECT) {
    PairLES::tally_pair_sum(background);
    return;
  }
  const auto &totals = device->split_totals;
  if (eflag_global) eng_coul += 0.5 * energy_unit * totals.charge_potential;
  if (vflag_global)
    for (int k = 0; k < 6; k++)
      virial[k] += energy_unit * (totals.virial[k] + (k < 3 ? background * totals.charge : 0.0));
  if (!eflag_atom && !vflag_atom && !cvflag_atom) return;

  bring_charges_home();
  les_kokkos::copy_home(device->extra, device->graph.n_local, model->pair_sum.potential);
  if (vflag_atom || cvflag_atom)
    les_kokkos::copy_home(device->virial_of_atoms, 6 * device->graph.n_local,
                          model->pair_sum.virial);
  tally_pair_sum_of_atoms(background);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::compute_direct()
{
  bring_charges_home();
  atomKK->sync(Host, X_MASK | F_MASK);
  PairLES::compute_direct();
  atomKK->modified(Host, F_MASK);
  atomKK->sync(execution_space, F_MASK);
  const auto &potential = model->pair_sum.potential;
  les_kokkos::copy_out(potential.data(), potential.size(), device->extra);
}

/* ----------------------------------------------------------------------
   forces of the host cannot be kept and put back while those of the device are under way
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::compute_kspace_alone()
{
  error->all(
      FLERR,
      "pair_style les/kk needs per-atom energies of kspace on each step, for which "
      "commands like dynamical_matrix do not ask; type 'suffix off' before 'pair_style les'");
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::update_potential()
{
  const int n = static_cast<int>(device->graph.n_local);
  const double offset = potential_correction(0.0), slope = potential_correction(1.0) - offset;
  const double scale = solver == KSPACE ? 2.0 * charge_unit / energy_unit : 0.0;
  const auto q = atomKK->k_q.template view<DeviceType>();

  if (model->field.on) { // positions on the host are those of compute_field()
    std::vector<double> potential(n);
    les_kokkos::copy_home(device->extra, n, potential);
    for (int i = 0; i < n; i++) potential[i] += field_potential(i);
    les_kokkos::copy_out(potential.data(), n, device->extra);
  }

  double local_sum, sum;
  const auto set = [&](const auto &energy) {
    local_sum = les_kokkos::set_potential<DeviceType>(device->phi, device->charge, device->extra,
                                                      energy, q, n, offset, slope, scale);
  };
  if (auto *const pppm = dynamic_cast<PPPMKokkos<DeviceType> *>(force->kspace)) {
    set(PPPMKokkosAccess<DeviceType>::energies(pppm));
  } else {
    les_kokkos::make_room(device->scratch, "les:kspace_energy", n);
    if (solver == KSPACE) les_kokkos::copy_out(force->kspace->eatom, n, device->scratch);
    set(device->scratch);
  }

  // q - mean(q) is a projection: its transpose acts on the potential
  if (projects_charges()) {
    MPI_Allreduce(&local_sum, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    les_kokkos::shift<DeviceType>(device->phi, n, -sum / model->n_charges);
  }
  device->phi_known = true;
  device->home = false;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
int PairLESKokkos<DeviceType>::pack_forward_comm(int n, int *list, double *buf, int pbc_flag,
                                                 int *pbc)
{
  atomKK->sync(Host, Q_MASK);
  return PairLES::pack_forward_comm(n, list, buf, pbc_flag, pbc);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairLESKokkos<DeviceType>::unpack_forward_comm(int n, int first, double *buf)
{
  PairLES::unpack_forward_comm(n, first, buf);
  atomKK->modified(Host, Q_MASK);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
int PairLESKokkos<DeviceType>::pack_forward_comm_kokkos(int n, PairLESComm::list k_list,
                                                        PairLESComm::buffer &buffer, int, int *)
{
  les_kokkos::pack_charges<DeviceType>(atomKK->k_q.template view<DeviceType>(),
                                       k_list.template view<DeviceType>(),
                                       buffer.template view<DeviceType>(), n);
  return n;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairLESKokkos<DeviceType>::unpack_forward_comm_kokkos(int n, int first,
                                                           PairLESComm::buffer &buffer)
{
  les_kokkos::unpack_charges<DeviceType>(atomKK->k_q.template view<DeviceType>(),
                                         buffer.template view<DeviceType>(), n, first);
  atomKK->modified(execution_space, Q_MASK);
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class PairLESKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairLESKokkos<LMPHostType>;
#endif
} // namespace LAMMPS_NS
