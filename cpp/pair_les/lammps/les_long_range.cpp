// SPDX-License-Identifier: GPL-2.0-only

#include "les_long_range.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "force.h"
#include "kspace.h"
#include "timer.h"

#include "core/direct_sum.h"
#include "core/long_range.h"
#include "kspace_cell.h"

#include <algorithm>

using namespace LAMMPS_NS;

LESLongRange::LESLongRange(LAMMPS *lmp, const LESUnits &units, const LESNetwork &network,
                           LESCharges &charges, const LESField &field, LESSplitSum &split_sum,
                           KSpaceBox &kspace_box, const LESSolverSettings &settings) :
    Pointers(lmp), units(units), network(network), charges(charges), field(field),
    split_sum(split_sum), kspace_box(kspace_box), settings(settings)
{}

void LESLongRange::init()
{
  const bool isolated = !domain->xperiodic && !domain->yperiodic && !domain->zperiodic;
  solver = NONE;
  if (!network.long_range()) return;
  solver = (force->kspace || !isolated) ? KSPACE : DIRECT;
  if (solver == KSPACE)
    split_sum.init();
  else if (comm->me == 0)
    utils::logmesg(
        lmp,
        "pair_style les: no periodic boundary and no kspace style: direct sum over all pairs "
        "of {} atoms\n",
        atom->natoms);
}

// PPPM refreshes its sums by itself only when the number of atoms changes.
void LESLongRange::charges_changed()
{
  if (solver == KSPACE) force->kspace->qsum_qsq(0);
}

// The direct sum and msm have no background.
double LESLongRange::correction(double charge) const
{
  return (solver == KSPACE && !force->kspace->msmflag)
             ? pair_les::potential_correction(charge, charges.total(), kspace_volume(lmp),
                                              *network.long_range())
             : pair_les::potential_correction(charge, 0.0, 1.0, *network.long_range());
}

void LESLongRange::tally_corrections(const LESTally &tally)
{
  if (solver == NONE) return;
  const auto &charge = charges.values();
  double sum = 0.0;
  for (std::size_t i = 0; i < charge.size(); i++) {
    const double energy = 0.5 * charge[i] * correction(charge[i]);
    sum += energy;
    if (tally.energies) tally.energies[i] += units.energy * energy;
  }
  if (tally.coulomb) *tally.coulomb += units.energy * sum;
}

// LAMMPS gives none to the slab correction, an energy that goes as the inverse area (Yeh and
// Berkowitz, J. Chem. Phys. 111, 3155, 1999). Along z, where the box has no height, it stays 0.
void LESLongRange::tally_slab_virial(const LESTally &tally)
{
  if (solver != KSPACE || force->kspace->slabflag != 1) return;
  if (!tally.virial && !tally.virials_of_atoms()) return;
  charges.sync_to_host();
  const auto &charge = charges.values();
  double sums[3] = {0.0, 0.0, 0.0};
  for (std::size_t i = 0; i < charge.size(); i++) {
    const double z = atom->x[i][2];
    sums[0] += charge[i];
    sums[1] += charge[i] * z;
    sums[2] += charge[i] * z * z;
  }
  MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, world);

  const pair_les::SlabMoments moments{sums[0], sums[1], sums[2]};
  const double height = domain->zprd * kspace_slab_factor(lmp);
  for (std::size_t i = 0; i < charge.size(); i++) {
    const double energy =
        units.energy * pair_les::slab_energy(charge[i], atom->x[i][2], moments, height,
                                             kspace_volume(lmp), *network.long_range());
    for (int k = 0; k < 2; k++) {
      if (tally.virial) tally.virial[k] += energy;
      if (tally.virials) tally.virials[i][k] += energy;
      if (tally.centroids) tally.centroids[i][k] += energy;
    }
  }
}

void LESLongRange::compute(const LESTally &tally)
{
  if (solver == KSPACE && settings.split) split_sum.compute(tally);
  if (solver != DIRECT) return;
  sum_directly(charges.values());
  tally_pair_sum(direct, charges.values(), 0.0, units, atom, tally);
}

// Every rank sums over all atoms, exact and O(N^2).
void LESLongRange::sum_directly(const std::vector<double> &charge)
{
  const int nlocal = atom->nlocal;
  std::vector<double> mine(4 * nlocal);
  for (int i = 0; i < nlocal; i++) {
    for (int k = 0; k < 3; k++) mine[4 * i + k] = atom->x[i][k];
    mine[4 * i + 3] = charge[i];
  }

  const int size = static_cast<int>(mine.size());
  std::vector<int> sizes(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; p++) offsets[p] = offsets[p - 1] + sizes[p - 1];
  std::vector<double> all(offsets.back() + sizes.back());
  MPI_Allgatherv(mine.data(), size, MPI_DOUBLE, all.data(), sizes.data(), offsets.data(),
                 MPI_DOUBLE, world);

  pair_les::direct_sum(all, offsets[comm->me] / 4, nlocal, *network.long_range(), direct);
}

// Every Ewald-type solver tallies e_i = q_i phi_i / 2.
double LESLongRange::potential_of_solver(int i, double charge) const
{
  double potential = correction(charge);
  if (solver == KSPACE) potential += 2.0 * force->kspace->eatom[i] / atom->q[i] * units.volt();
  if (solver == DIRECT)
    potential += direct.potential[i];
  else if (settings.split)
    potential += split_sum.potential()[i];
  return potential;
}

void LESLongRange::update_potential()
{
  if (solver == NONE) return;
  const auto &charge = charges.values();
  phi.resize(charge.size());
  for (int i = 0; i < static_cast<int>(charge.size()); i++)
    phi[i] = potential_of_solver(i, charge[i]) + field.potential(i) + charges.compensation();
  charges.project_back(phi);
}

const double *LESLongRange::seed() const
{
  if (solver == NONE) return nullptr;
  return network.equilibrates() ? charges.values().data() : phi.data();
}

void LESLongRange::potential_of(const std::vector<double> &charge, std::vector<double> &potential)
{
  charges.try_out(charge);
  if (solver == DIRECT) {
    sum_directly(charge);
  } else {
    compute_kspace_alone();
    if (settings.split) split_sum.compute_potential();
  }
  for (int i = 0; i < static_cast<int>(charge.size()); i++)
    potential[i] = potential_of_solver(i, charge[i]);
}

void LESLongRange::compute_kspace_alone()
{
  timer->stamp(Timer::PAIR);
  kspace_box.set_up();
  force->kspace->qsum_qsq(0);

  // triclinic: coordinates are converted forth and back, which would move atoms by a rounding each
  // time
  const std::size_t size = 3 * static_cast<std::size_t>(atom->nlocal);
  kept.resize(2 * size);
  if (size > 0) {
    std::copy_n(&atom->f[0][0], size, kept.data());
    std::copy_n(&atom->x[0][0], size, kept.data() + size);
  }
  evaluate_kspace();
  if (size > 0) {
    std::copy_n(kept.data(), size, &atom->f[0][0]);
    std::copy_n(kept.data() + size, size, &atom->x[0][0]);
  }
  timer->stamp(Timer::KSPACE);
}

void LESLongRange::evaluate_kspace()
{
  force->kspace->compute(ENERGY_ATOM, VIRIAL_NONE);
}
