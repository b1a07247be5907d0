/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les and its kspace style: charges handed over, mesh sized for them, the pair sum of split
   mode, and the potential taken back.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "neighbor.h"
#include "platform.h"
#include "update.h"

#include "core/direct_sum.h"
#include "core/long_range.h"
#include "core/split_sum.h"
#include "kspace_access.h"
#include "pair_les_model.h"

#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   latent charges into atom->q, in the unit that makes LAMMPS's Coulomb constant the model's
------------------------------------------------------------------------- */

void PairLES::update_charges()
{
  if (equilibrates()) {
    equilibrate_charges();
    return;
  }
  const auto &latent = model->evaluator->charge();
  const int n = static_cast<int>(latent.size());

  double local_sum = 0.0;
  for (int i = 0; i < n; i++) local_sum += latent[i];
  const double shift = shift_of_charges(local_sum, n);
  model->solver_charge.resize(n); // every atom has a species, so that nodes are atoms
  for (int i = 0; i < n; i++) {
    model->solver_charge[i] = latent[i] - shift;
    const double q = charge_unit * model->solver_charge[i];
    atom->q[i] = (q == 0.0) ? TINY_CHARGE : q;
  }

  // PPPM refreshes its sums by itself only when the number of atoms changes
  if (solver == KSPACE) force->kspace->qsum_qsq(0);
}

/* ----------------------------------------------------------------------
   what every charge is lowered by to have the sum wanted. The atoms are counted: atom->natoms is that of
   the last thermo output where thermo_modify lost ignore lets atoms go
------------------------------------------------------------------------- */

double PairLES::shift_of_charges(double local_sum, int n_local)
{
  const double mine[2] = {local_sum, static_cast<double>(n_local)};
  double all[2];
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, world);
  model->total_charge = all[0];
  model->n_charges = all[1];
  if (!projects_charges()) return 0.0;
  model->total_charge = model->total_wanted;
  return (all[0] - model->total_wanted) / all[1];
}

/* ----------------------------------------------------------------------
   volume of the cell that kspace repeats: with kspace_modify slab it contains the empty space
------------------------------------------------------------------------- */

double PairLES::kspace_volume() const
{
  const double slab = (force->kspace->slabflag == 1) ? force->kspace->slab_volfactor : 1.0;
  return domain->xprd * domain->yprd * domain->zprd * slab;
}

/* ----------------------------------------------------------------------
   what the potential of a charge has beyond that of the solver; the direct sum and msm have no background
------------------------------------------------------------------------- */

double PairLES::potential_correction(double charge) const
{
  return (solver == KSPACE && !force->kspace->msmflag)
             ? pair_les::potential_correction(charge, model->total_charge, kspace_volume(),
                                              *model->long_range())
             : pair_les::potential_correction(charge, 0.0, 1.0, *model->long_range());
}

/* ----------------------------------------------------------------------
   split mode: the kspace style has chosen g_ewald, the difference to the latent Gaussians is a short
   ranged pair sum
------------------------------------------------------------------------- */

void PairLES::compute_split()
{
  KSpace *const kspace = force->kspace;
  clear_pair_sum();
  if (!kspace->msmflag &&
      kspace->g_ewald == pair_les::g_ewald_from_sigma(model->long_range()->sigma))
    return;
  tabulate_split();
  send_charges();
  const double start = platform::walltime();
  sum_pairs();
  tally_pair_sum(split_background());
  pair_sum_seconds += platform::walltime() - start;
}

/* ----------------------------------------------------------------------
   the k = 0 part of the pair sum, shared out in proportion to the charges; msm has no background
------------------------------------------------------------------------- */

double PairLES::split_background() const
{
  const double total = model->total_charge;
  if (total == 0.0 || force->kspace->msmflag) return 0.0;
  return pair_les::split_background_virial(total, kspace_volume(), *model->long_range(),
                                           force->kspace->g_ewald) /
         total;
}

/* ---------------------------------------------------------------------- */

void PairLES::clear_pair_sum()
{
  model->pair_sum.clear(atom->nlocal, pair_les::PairSum::Virial::none);
}

/* ---------------------------------------------------------------------- */

void PairLES::sum_pairs()
{
  if (!pairs_listed)
    model->split_sum.list_pairs(atom->x, atom->nlocal, model->neighbors(list),
                                cut_coul + neighbor->skin);
  pairs_listed = true;

  const int nall = atom->nlocal + atom->nghost;
  std::vector<double> charge(nall);
  for (int i = 0; i < nall; i++) charge[i] = atom->q[i] / charge_unit;
  const auto wanted = vflag_atom || cvflag_atom ? pair_les::PairSum::Virial::per_atom
                      : vflag_global            ? pair_les::PairSum::Virial::total
                                                : pair_les::PairSum::Virial::none;
  model->split_sum.compute(atom->x, charge, atom->nlocal, model->split_table, cut_coul, wanted,
                           model->pair_sum);
}

/* ----------------------------------------------------------------------
   the latent interaction less that of the solver: erf(g r)/r of the Ewald-type ones, gamma(r/R)/R of msm
------------------------------------------------------------------------- */

void PairLES::tabulate_split()
{
  KSpace *const kspace = force->kspace;
  const double sigma = model->long_range()->sigma, k_e = model->long_range()->coulomb_constant;
  const double g_ewald = kspace->g_ewald, cutoff = cut_coul;

  // the order of msm may change at every init(), g_ewald of the others only tells itself
  if (!kspace->msmflag && g_ewald == tabulated_gewald) return;
  if (kspace->msmflag && tabulated_gewald < 0.0) return;
  tabulated_gewald = kspace->msmflag ? -1.0 : g_ewald;

  const auto difference = [=](double r) -> pair_les::ValueAndDerivative {
    if (!kspace->msmflag) return pair_les::split_pair_potential(r, sigma, g_ewald, k_e);
    const auto latent = pair_les::smeared_coulomb(r, sigma, k_e);
    return {latent.value - k_e * kspace->gamma(r / cutoff) / cutoff,
            latent.derivative - k_e * kspace->dgamma(r / cutoff) / (cutoff * cutoff)};
  };
  try {
    model->split_table.build(difference, cutoff);
  } catch (const std::exception &e) {
    error->all(FLERR, e.what());
  }
}

/* ----------------------------------------------------------------------
   a box that is periodic nowhere: every rank sums over all atoms, exact and O(N^2)
------------------------------------------------------------------------- */

void PairLES::compute_direct()
{
  sum_directly();
  tally_pair_sum(0.0);
}

/* ---------------------------------------------------------------------- */

void PairLES::sum_directly()
{
  const int nlocal = atom->nlocal;
  std::vector<double> mine(4 * nlocal);
  for (int i = 0; i < nlocal; i++) {
    for (int k = 0; k < 3; k++) mine[4 * i + k] = atom->x[i][k];
    mine[4 * i + 3] = model->solver_charge[i];
  }

  const int size = static_cast<int>(mine.size());
  std::vector<int> sizes(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; p++) offsets[p] = offsets[p - 1] + sizes[p - 1];
  std::vector<double> all(offsets.back() + sizes.back());
  MPI_Allgatherv(mine.data(), size, MPI_DOUBLE, all.data(), sizes.data(), offsets.data(),
                 MPI_DOUBLE, world);

  pair_les::direct_sum(all, offsets[comm->me] / 4, nlocal, *model->long_range(), model->pair_sum);
}

/* ----------------------------------------------------------------------
   forces, energies and virials of a pair sum; `background` is a virial per charge on xx, yy and zz
------------------------------------------------------------------------- */

void PairLES::tally_pair_sum(double background)
{
  const auto &sum = model->pair_sum;
  for (int i = 0; i < atom->nlocal; i++) {
    const double charge = model->solver_charge[i];
    for (int k = 0; k < 3; k++) atom->f[i][k] += energy_unit * sum.force[3 * i + k];
    if (eflag_global) eng_coul += 0.5 * energy_unit * charge * sum.potential[i];
    if (vflag_global)
      for (int k = 0; k < 3; k++) virial[k] += energy_unit * background * charge;
  }
  if (vflag_global)
    for (int k = 0; k < 6; k++) virial[k] += energy_unit * sum.total_virial[k];
  if (eflag_atom || vflag_atom || cvflag_atom) tally_pair_sum_of_atoms(background);
}

/* ---------------------------------------------------------------------- */

void PairLES::tally_pair_sum_of_atoms(double background)
{
  const auto &sum = model->pair_sum;
  for (int i = 0; i < atom->nlocal; i++) {
    const double charge = model->solver_charge[i];
    if (eflag_atom) eatom[i] += 0.5 * energy_unit * charge * sum.potential[i];
    if (!vflag_atom && !cvflag_atom) continue;
    for (int k = 0; k < 6; k++) {
      const double v = energy_unit * (sum.virial[6 * i + k] + (k < 3 ? background * charge : 0.0));
      if (vflag_atom) vatom[i][k] += v;
      if (cvflag_atom) cvatom[i][k] += v;
      if (cvflag_atom && k > 2) cvatom[i][k + 3] += v; // yx zx zy
    }
  }
}

/* ----------------------------------------------------------------------
   phi_i = dE_lr/dq_i in V; every Ewald-type solver tallies e_i = q_i phi_i / 2
------------------------------------------------------------------------- */

void PairLES::update_potential()
{
  const int n = static_cast<int>(model->solver_charge.size());
  double local_sum = 0.0, sum;
  model->phi.resize(n);
  for (int i = 0; i < n; i++) {
    model->phi[i] = potential_correction(model->solver_charge[i]);
    if (solver == KSPACE)
      model->phi[i] += 2.0 * force->kspace->eatom[i] / atom->q[i] * charge_unit / energy_unit;
    if (solver == DIRECT || split) model->phi[i] += model->pair_sum.potential[i];
    model->phi[i] += field_potential(i);
    local_sum += model->phi[i];
  }

  // q - mean(q) is a projection: its transpose acts on the potential
  if (projects_charges()) {
    MPI_Allreduce(&local_sum, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    for (auto &phi : model->phi) phi -= sum / model->n_charges;
  }
}

/* ----------------------------------------------------------------------
   for `fix ID group pair 1 les potential 0 charge 0`: latent potential in V and latent charge in e
------------------------------------------------------------------------- */

void *PairLES::extract_peratom(const char *str, int &ncol)
{
  ncol = 0;
  if (!model->evaluator || !model->long_range()) return nullptr;
  bring_home();
  if (strcmp(str, "potential") == 0) return model->phi.data();
  if (strcmp(str, "charge") == 0) return model->solver_charge.data();
  return nullptr;
}
