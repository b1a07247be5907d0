/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les/kk: pair_style les with its data on the device from the neighbor list to the forces.
   Commands, checks and the order of a step are those of the host style; charges, mesh and potential:
   pair_les_long_range_kokkos.cpp.
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
#include "neigh_list_kokkos.h"
#include "neigh_request.h"
#include "neighbor.h"
#include "update.h"

#include "charges_kokkos.h"
#include "core_library.h"
#include "edge_forces_kokkos.h"
#include "fix_les_backward.h"
#include "fused_ops_kokkos.h"
#include "pair_les_device_kokkos.h"
#include "pair_les_model.h"

#include <type_traits>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

template <class DeviceType>
PairLESKokkos<DeviceType>::PairLESKokkos(LAMMPS *lmp) : PairLES(lmp), device(new Device)
{
  kokkosable = 1;
  atomKK = (AtomKokkos *) atom;
  execution_space = ExecutionSpaceFromDevice<DeviceType>::space;
  datamask_read = EMPTY_MASK; // compute() says what it touches
  datamask_modify = EMPTY_MASK;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> PairLESKokkos<DeviceType>::~PairLESKokkos()
{
  delete device;
}

/* ----------------------------------------------------------------------
   the network on the device, for every step and for the computes, which give it graphs of the host
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::load_model(const std::string &archive)
{
  if (model->device.is_gpu())
    throw std::runtime_error(
        "pair_style les/kk computes where KOKKOS does, and has no keyword device; "
        "leave out 'device " +
        model->device.name + "' and type '-k on g 1'");
  pair_les::EvaluatorOptions options;
  options.threads = lmp->kokkos->nthreads;
  options.device.instead = "run without '-k on g'";
  if (!std::is_same_v<DeviceType, LMPHostType>)
    options.device.name = fmt::format("cuda:{}", Kokkos::device_id()); // KOKKOS took it by rank
  les_kokkos::choose_fused_kernels(options.device.is_gpu());
  model->evaluator = pair_les::create_evaluator(model->file, archive, options);
  if (equilibrates())
    throw std::runtime_error("model file '" + model->file +
                             "' needs charge equilibration, which pair_style les/kk does not have; "
                             "type 'pair_style les' and run without -suffix kk");
  device->graph.in_double = model->evaluator->double_precision();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::create_internal_styles()
{
  PairLES::create_internal_styles();
  // it calls backward_from_kspace() and touches no data of atoms itself
  fix_backward->kokkosable = 1;
  fix_backward->execution_space = execution_space;
  fix_backward->datamask_read = EMPTY_MASK;
  fix_backward->datamask_modify = EMPTY_MASK;
}

/* ---------------------------------------------------------------------- */

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
  if (equilibrates())
    error->all(FLERR,
               "pair_style les/kk has no charge equilibration, which model file '{}' needs; type "
               "'suffix off' before 'pair_style les'",
               model->file);
  if (comm->nprocs > 1 && comm->me == 0 && !std::is_same_v<DeviceType, LMPHostType> &&
      !lmp->kokkos->gpu_aware_flag)
    utils::logmesg(
        lmp,
        "pair_style les/kk: MPI is not used as GPU-aware, so that all data of ghost atoms pass "
        "through the host; with an MPI that is type '-pk kokkos gpu/aware on newton on neigh "
        "half'\n");
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::init_style()
{
  check_kokkos();
  atomKK->sync(Host, TYPE_MASK | RMASS_MASK); // masses are checked there
  PairLES::init_style();
  auto *const request = neighbor->find_request(this);
  const bool on_host = std::is_same_v<DeviceType, LMPHostType>;
  request->set_kokkos_host(on_host && !std::is_same_v<DeviceType, LMPDeviceType>);
  request->set_kokkos_device(std::is_same_v<DeviceType, LMPDeviceType>);

  const auto &species = model->species_of_type;
  les_kokkos::make_room(device->species_of_type, "les:species_of_type", species.size());
  les_kokkos::copy_out(species.data(), species.size(), device->species_of_type);
  if (solver == KSPACE && !on_host && force->kspace->execution_space == Host && comm->me == 0)
    utils::logmesg(lmp,
                   "pair_style les/kk: kspace_style {} runs on the host: charges, forces and "
                   "potentials are copied on every step; type 'kspace_style pppm/kk 1.0e-5'\n",
                   force->kspace_style);
}

/* ----------------------------------------------------------------------
   the potential needs the energies of atoms that kspace has, on every step: not those of this style
------------------------------------------------------------------------- */

template <class DeviceType> bool PairLESKokkos<DeviceType>::energies_of_atoms_wanted() const
{
  for (auto *compute : modify->get_compute_list())
    if (compute->peatomflag && compute != kspace_energy && compute->matchstep(update->ntimestep))
      return true;
  return false;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::compute(int eflag, int vflag)
{
  // pair_style hybrid adds up those of its styles whoever wants them
  if (force->pair == this && !energies_of_atoms_wanted()) eflag &= ~ENERGY_ATOM;
  atomKK->sync(execution_space, X_MASK | F_MASK | TYPE_MASK | Q_MASK);
  PairLES::compute(eflag, vflag);
}

/* ----------------------------------------------------------------------
   edges come from the list of LAMMPS directly
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::update_lists() {}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::build_graph()
{
  device->home = device->phi_known = false;
  std::string failure;
  try {
    const auto &metadata = model->metadata();
    les_kokkos::build(device->graph, atomKK->k_x.template view<DeviceType>(),
                      atomKK->k_type.template view<DeviceType>(), device->species_of_type,
                      *static_cast<NeighListKokkos<DeviceType> *>(list), atom->nlocal,
                      atom->nlocal + atom->nghost, metadata.cutoff, metadata.message_passing_layers,
                      NEIGHMASK);
    const auto n = device->graph.n_local;
    les_kokkos::make_room(device->energy, "les:energy", n);
    if (model->long_range())
      for (auto *array : {&device->latent, &device->charge, &device->extra, &device->phi})
        les_kokkos::make_room(*array, "les:charge", n);
  } catch (const std::exception &e) {
    failure = explain(pair_les::OutOfMemory(e.what()));
  }
  stop_on_failure(failure);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
std::string PairLESKokkos<DeviceType>::explain(const std::exception &e) const
{
  if (!dynamic_cast<const pair_les::OutOfMemory *>(&e)) return e.what();
  const std::string text(e.what());
  return fmt::format("pair_style les/kk ran out of memory on process {} with {} atoms, {} ghost "
                     "atoms and {} edges; "
                     "use more processes or GPUs, or fewer atoms ({})",
                     comm->me, atom->nlocal, atom->nghost, device->graph.n_edges,
                     text.substr(0, text.find('\n')));
}

/* ----------------------------------------------------------------------
   torch has a stream of its own: what Kokkos has begun must have ended before; the evaluator returns
   when torch is done
------------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::run_forward()
{
  const int n = static_cast<int>(device->graph.n_local);
  const bool charges = model->long_range() != nullptr;
  std::string failure;
  try {
    DeviceType().fence("les: before torch");
    Kokkos::Profiling::pushRegion("les: torch forward");
    model->evaluator->forward(device->graph.arrays(), device->energy.data(),
                              charges ? device->latent.data() : nullptr);
    Kokkos::Profiling::popRegion();

    const auto energies = les_kokkos::sum_and_check<DeviceType>(device->energy, n);
    device->energy_sum = energies.value[0];
    if (energies.value[1] > 0.0) failure = not_finite("an energy");
    if (charges) {
      const auto sums = les_kokkos::sum_and_check<DeviceType>(device->latent, n);
      device->latent_sum = sums.value[0];
      if (sums.value[1] > 0.0) failure = not_finite("a charge");
    }
  } catch (const std::exception &e) {
    failure = explain(e);
  }
  const auto cause = too_close();
  if (!cause.empty()) failure = cause;
  stop_on_failure(failure);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> std::string PairLESKokkos<DeviceType>::too_close()
{
  if (!les_kokkos::has_shorter_edge(device->graph, pair_les::SMALLEST_DISTANCE)) return "";
  bring_home();
  atomKK->sync(Host, TAG_MASK);
  return PairLES::too_close();
}

/* ----------------------------------------------------------------------
   virials of atoms are summed on the host, on the steps that ask for them
------------------------------------------------------------------------- */

template <class DeviceType>
void PairLESKokkos<DeviceType>::scatter_edge_gradient(double *virial_sum, double **virial_atom,
                                                      double **centroid_atom)
{
  std::string failure;
  const void *gradient = nullptr;
  try {
    DeviceType().fence("les: before torch");
    Kokkos::Profiling::pushRegion("les: torch backward");
    model->evaluator->backward(solver == NONE ? nullptr : device->phi.data());
    gradient = model->evaluator->device_edge_gradient();
    Kokkos::Profiling::popRegion();
  } catch (const std::exception &e) {
    failure = explain(e);
  }
  stop_on_failure(failure);

  if (virial_atom || centroid_atom) {
    bring_home();
    const auto values = device->graph.gradient_home(gradient);
    atomKK->sync(Host, F_MASK);
    PairLES::add_edge_forces(values.data(), virial_sum, virial_atom, centroid_atom);
    atomKK->modified(Host, F_MASK);
    atomKK->sync(execution_space, F_MASK);
    return;
  }
  atomKK->sync(execution_space, X_MASK | F_MASK);
  const auto w =
      les_kokkos::add_edge_forces(device->graph, gradient, atomKK->k_x.template view<DeviceType>(),
                                  atomKK->k_f.template view<DeviceType>(), energy_unit);
  atomKK->modified(execution_space, F_MASK);
  if (virial_sum)
    for (int k = 0; k < 6; k++) virial_sum[k] += w.value[k];
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::bring_home()
{
  if (device->home || !model->evaluator) return;
  device->graph.copy_to(model->graph);
  if (model->long_range()) {
    bring_charges_home();
    if (device->phi_known) les_kokkos::copy_home(device->phi, device->graph.n_local, model->phi);
  }
  device->home = true;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairLESKokkos<DeviceType>::bring_charges_home()
{
  les_kokkos::copy_home(device->charge, device->graph.n_local, model->solver_charge);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> double PairLESKokkos<DeviceType>::memory_usage()
{
  return PairLES::memory_usage() + device->bytes();
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class PairLESKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairLESKokkos<LMPHostType>;
#endif
} // namespace LAMMPS_NS
