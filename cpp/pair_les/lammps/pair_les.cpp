/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: a translator between LAMMPS arrays and the two-phase evaluator of the core.
   Setup checks are in pair_les_setup.cpp.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "memory.h"
#include "neigh_list.h"
#include "update.h"

#include "core/long_range.h"
#include "fix_les_backward.h"
#include "pair_les_model.h"

#include <cmath>

using namespace LAMMPS_NS;

// stands in for a charge of exactly zero, for which 2 e_i / q_i has no value; any size is exact to
// rounding because e_i is proportional to q_i
static constexpr double TINY_CHARGE = 1.0e-100;

// relative change of the sum of squared charges above which the mesh is sized again at the first step
static constexpr double CHARGE_CHANGE = 0.01;

/* ---------------------------------------------------------------------- */

PairLES::PairLES(LAMMPS *lmp) :
    Pair(lmp), model(new Model), cut_coul(0.0), energy_unit(1.0), charge_unit(1.0),
    fix_backward(nullptr), kspace_energy(nullptr), gewald_set(0.0), charge_square_at_init(0.0),
    mesh_sized(false)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  ewaldflag = pppmflag = 1;
}

/* ---------------------------------------------------------------------- */

PairLES::~PairLES()
{
  delete_internal_styles();
  delete model;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ----------------------------------------------------------------------
   first phase: energies and charges; the forces follow in backward_from_kspace(),
   or here if the model has no charges
------------------------------------------------------------------------- */

void PairLES::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  build_graph();
  try {
    model->evaluator->forward(model->graph);
  } catch (const std::exception &e) {
    error->one(FLERR, e.what());
  }

  if (model->long_range()) {
    update_charges();
    size_mesh();
    kspace_energy->addstep(update->ntimestep + 1);
  }
  tally_energies();

  if (!model->long_range()) {
    model->phi.clear();
    scatter_edge_gradient(vflag_global ? virial : nullptr, vflag_atom ? vatom : nullptr);
  }
}

/* ---------------------------------------------------------------------- */

void PairLES::build_graph()
{
  const int nall = atom->nlocal + atom->nghost;
  auto &species = model->species_of_atom;
  species.resize(nall);
  for (int i = 0; i < nall; i++) species[i] = model->species_of_type[atom->type[i]];

  const pair_les::FullNeighborList neighbors{list->inum, list->ilist, list->numneigh, list->firstneigh,
                                             NEIGHMASK};
  pair_les::build_graph(atom->x, species.data(), atom->nlocal, nall, neighbors,
                        model->metadata().cutoff, model->graph);
}

/* ----------------------------------------------------------------------
   latent charges into atom->q, in the unit that makes LAMMPS's Coulomb constant the model's
------------------------------------------------------------------------- */

void PairLES::update_charges()
{
  const auto &latent = model->evaluator->charge();
  const int n = static_cast<int>(latent.size());

  double local_sum = 0.0;
  for (int i = 0; i < n; i++) local_sum += latent[i];
  if (!std::isfinite(local_sum))
    error->one(FLERR, "model file '{}' returned a charge that is not finite at step {}: atoms are too "
               "close, or the configuration is far from the training data", model->file,
               update->ntimestep);
  MPI_Allreduce(&local_sum, &model->total_charge, 1, MPI_DOUBLE, MPI_SUM, world);

  const double mean = model->long_range()->neutralize ? model->total_charge / atom->natoms : 0.0;
  if (model->long_range()->neutralize) model->total_charge = 0.0;
  model->solver_charge.resize(n);
  for (int i = 0; i < n; i++) {
    model->solver_charge[i] = latent[i] - mean;
    const double q = charge_unit * model->solver_charge[i];
    atom->q[model->graph.atom[i]] = (q == 0.0) ? TINY_CHARGE : q;
  }

  // PPPM refreshes its sums by itself only when the number of atoms changes
  force->kspace->qsum_qsq(0);
}

/* ----------------------------------------------------------------------
   kspace styles size their mesh from the charges at init(), when those of this model were not yet
   known; every kind of setup calls kspace->setup() after this
------------------------------------------------------------------------- */

void PairLES::size_mesh()
{
  if (mesh_sized) return;
  mesh_sized = true;
  const double now = charge_square();
  if (std::fabs(now - charge_square_at_init) <= CHARGE_CHANGE * now) return;
  force->kspace->init();
}

/* ---------------------------------------------------------------------- */

double PairLES::charge_square()
{
  double local = 0.0, all;
  for (int i = 0; i < atom->nlocal; i++) local += atom->q[i] * atom->q[i];
  MPI_Allreduce(&local, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  return all;
}

/* ----------------------------------------------------------------------
   short-range energy, and what the latent sum has beyond the sum of the kspace style;
   the global background of a charged cell is shared out in proportion to the charges
------------------------------------------------------------------------- */

void PairLES::tally_energies()
{
  const auto &energy = model->evaluator->energy();
  const auto *long_range = model->long_range();
  const double volume = domain->xprd * domain->yprd * domain->zprd;
  double short_range_sum = 0.0, correction_sum = 0.0;

  for (int i = 0; i < static_cast<int>(energy.size()); i++) {
    double correction = 0.0;
    if (long_range) {
      const double q = model->solver_charge[i], k_e = long_range->coulomb_constant;
      correction = 0.5 * q *
          pair_les::background_potential(model->total_charge, long_range->sigma, volume, k_e);
      if (long_range->self_interaction)
        correction += pair_les::self_energy(q, long_range->sigma, k_e);
    }
    short_range_sum += energy[i];
    correction_sum += correction;
    if (eflag_atom) eatom[model->graph.atom[i]] += energy_unit * (energy[i] + correction);
  }

  if (!std::isfinite(short_range_sum))
    error->one(FLERR, "model file '{}' returned an energy that is not finite at step {}: atoms are too "
               "close, or the configuration is far from the training data", model->file,
               update->ntimestep);
  if (eflag_global) {
    eng_vdwl += energy_unit * short_range_sum;
    eng_coul += energy_unit * correction_sum;
  }
}

/* ----------------------------------------------------------------------
   second phase: chain-rule forces -sum_j phi_j dq_j/dr together with the short-range forces
------------------------------------------------------------------------- */

void PairLES::backward_from_kspace(double *virial_sum, double **virial_atom)
{
  potential_from_kspace();
  scatter_edge_gradient(virial_sum, virial_atom);
}

/* ----------------------------------------------------------------------
   phi_i = dE_lr/dq_i in V; every Ewald-type solver tallies e_i = q_i phi_i / 2
------------------------------------------------------------------------- */

void PairLES::potential_from_kspace()
{
  const auto *long_range = model->long_range();
  const double volume = domain->xprd * domain->yprd * domain->zprd;
  const double background = pair_les::background_potential(model->total_charge, long_range->sigma, volume,
                                                           long_range->coulomb_constant);
  const double *const energy = force->kspace->eatom;
  const int n = static_cast<int>(model->solver_charge.size());

  double local_sum = 0.0, sum;
  model->phi.resize(n);
  for (int i = 0; i < n; i++) {
    const int a = model->graph.atom[i];
    model->phi[i] = 2.0 * energy[a] / atom->q[a] * charge_unit / energy_unit + background;
    if (long_range->self_interaction)
      model->phi[i] += pair_les::self_potential(model->solver_charge[i], long_range->sigma,
                                                long_range->coulomb_constant);
    local_sum += model->phi[i];
  }

  // q - mean(q) is a projection: its transpose acts on the potential
  if (long_range->neutralize) {
    MPI_Allreduce(&local_sum, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    for (auto &phi : model->phi) phi -= sum / atom->natoms;
  }
}

/* ----------------------------------------------------------------------
   forces are added, on ghosts too; W_ab = -sum over edges of r_a g_b
------------------------------------------------------------------------- */

void PairLES::scatter_edge_gradient(double *virial_sum, double **virial_atom)
{
  try {
    model->evaluator->backward(model->long_range() ? model->phi.data() : nullptr);
  } catch (const std::exception &e) {
    error->one(FLERR, e.what());
  }

  const auto &graph = model->graph;
  const double *g = model->evaluator->edge_gradient().data();
  const double *r = graph.edge_vectors.data();
  double **f = atom->f;
  double w[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};

  for (bigint e = 0; e < graph.n_edges(); e++, g += 3, r += 3) {
    const int i = graph.atom[graph.centre[e]];
    const int j = graph.atom[graph.neighbour[e]];
    const double gx = energy_unit * g[0], gy = energy_unit * g[1], gz = energy_unit * g[2];
    f[i][0] += gx;
    f[i][1] += gy;
    f[i][2] += gz;
    f[j][0] -= gx;
    f[j][1] -= gy;
    f[j][2] -= gz;

    if (!virial_sum && !virial_atom) continue;
    const double v[6] = {-r[0] * gx, -r[1] * gy, -r[2] * gz, -r[0] * gy, -r[0] * gz, -r[1] * gz};
    for (int k = 0; k < 6; k++) w[k] += v[k];
    if (!virial_atom) continue;
    for (int k = 0; k < 6; k++) {
      virial_atom[i][k] += 0.5 * v[k];
      virial_atom[j][k] += 0.5 * v[k];
    }
  }
  if (virial_sum)
    for (int k = 0; k < 6; k++) virial_sum[k] += w[k];
}

/* ---------------------------------------------------------------------- */

double PairLES::memory_usage()
{
  double bytes = Pair::memory_usage() + model->graph.bytes();
  if (model->evaluator) bytes += sizeof(double) * model->evaluator->edge_gradient().capacity();
  return bytes;
}
