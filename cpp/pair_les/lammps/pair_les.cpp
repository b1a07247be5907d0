/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: a translator between LAMMPS arrays and the two-phase evaluator of the core.
   Before the first step: pair_les_setup.cpp, pair_les_checks.cpp; charges, mesh and potential: pair_les_long_range.cpp.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"

#include "core/constants.h"
#include "core/long_range.h"
#include "kspace_access.h"
#include "kspace_box.h"
#include "pair_les_model.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

namespace {

bool finite(const std::vector<double> &values)
{
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(value); });
}

} // namespace

/* ---------------------------------------------------------------------- */

PairLES::PairLES(LAMMPS *lmp) :
    Pair(lmp), kspace_box(new KSpaceBox(lmp)), model(new Model), solver(NONE), mesh_auto(true),
    split(false), cutoff_auto(false), auto_matched(false), cut_coul(0.0), ghost_reach(0.0),
    ghost_reach_before(0.0), energy_unit(1.0), charge_unit(1.0), fix_backward(nullptr),
    kspace_energy(nullptr), pairs_listed(false), pair_sum_seconds(0.0), mesh_chosen(false),
    chosen_order(0), chosen_differentiation(0), planned_points{0, 0, 0}, mesh_reported(false),
    gewald_set(0.0), gewald_decided(false), tabulated_gewald(0.0), sized_charge_square(0.0),
    sized_volume(0.0)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  ewaldflag = pppmflag = msmflag = 1;
  comm_forward = 1;
  ncoultablebits = 0; // kspace would warn of the error of tables that do not exist
}

/* ---------------------------------------------------------------------- */

PairLES::~PairLES()
{
  delete_internal_styles();
  release_gewald();
  release_mesh();
  release_vectors();
  release_ghost_cutoff();
  delete model;
  delete kspace_box;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ----------------------------------------------------------------------
   first phase: energies and charges; the forces follow in backward_from_kspace(),
   or here if no kspace style is involved
------------------------------------------------------------------------- */

void PairLES::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  check_watched_charges();
  update_lists();
  build_graph();
  model->step = update->ntimestep;
  run_forward();

  if (equilibrates()) update_field(); // a potential that the charges see
  if (solver != NONE) update_charges();
  if (solver == KSPACE) {
    if (KSpaceAccess::scale_factor(force->kspace) != 1.0)
      error->all(FLERR,
                 "fix adapt cannot scale the kspace style of pair_style les: its charges have "
                 "forces of their own; remove the keyword kspace");
    for (int attempt = 0; size_mesh() && equilibrates() && attempt < 3; attempt++) update_charges();
    if (!update->setupflag) kspace_box->set_up(); // the setup of a run does so after pair
    kspace_energy->addstep(update->ntimestep + 1);
  }
  tally_energies();
  if (solver != NONE) compute_field();
  if (solver == KSPACE) {
    if (split) compute_split();
    return;
  }

  if (solver == DIRECT) {
    compute_direct();
    update_potential();
  }
  scatter_edge_gradient(vflag_global ? virial : nullptr, vflag_atom ? vatom : nullptr,
                        cvflag_atom ? cvatom : nullptr);
}

/* ---------------------------------------------------------------------- */

void PairLES::run_forward()
{
  auto failure = attempt([this] { evaluate_network(); });
  if (failure.empty()) {
    if (!finite(model->evaluator->energy())) failure = not_finite("an energy");
    if (!finite(model->evaluator->charge())) failure = not_finite("a charge");
    if (!finite(model->evaluator->electronegativity()))
      failure = not_finite("an electronegativity");
    if (!finite(model->evaluator->hardness())) failure = not_finite("a hardness");
  }
  const auto cause = too_close();
  if (!cause.empty()) failure = cause;
  stop_on_failure(failure);
}

/* ----------------------------------------------------------------------
   a network returns numbers for such atoms, too
------------------------------------------------------------------------- */

std::string PairLES::too_close()
{
  const auto &graph = model->graph;
  const auto edge = pair_les::shortest_edge(graph);
  if (edge < 0) return "";
  const double *const r = &graph.edge_vectors[3 * edge];
  const double distance = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
  if (!(distance < pair_les::SMALLEST_DISTANCE)) return "";
  return fmt::format(
      "atoms {} and {} are {:.3g} A apart at step {}, less than the {} A from which pair_style les "
      "has energies; type 'delete_atoms overlap 0.1 all all' if one of them is a duplicate",
      atom->tag[graph.atom[graph.centre[edge]]], atom->tag[graph.atom[graph.neighbour[edge]]],
      distance, update->ntimestep, pair_les::SMALLEST_DISTANCE);
}

/* ---------------------------------------------------------------------- */

std::string PairLES::not_finite(const char *output) const
{
  return fmt::format(
      "model file '{}' returned {} that is not finite at step {}: atoms are too close, or "
      "the configuration is far from the training data",
      model->file, output, update->ntimestep);
}

/* ----------------------------------------------------------------------
   one ERROR line, that of the first rank which has a message; collective, so that no rank waits for
   another that has stopped
------------------------------------------------------------------------- */

void PairLES::stop_on_failure(const std::string &message)
{
  const int mine = message.empty() ? comm->nprocs : comm->me;
  int first;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == comm->nprocs) return;

  std::string text(message);
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, first, world);
  text.resize(length);
  MPI_Bcast(&text[0], length, MPI_CHAR, first, world);
  error->all(FLERR, text);
}

/* ----------------------------------------------------------------------
   lists made from that of LAMMPS, when it has been rebuilt
------------------------------------------------------------------------- */

void PairLES::update_lists()
{
  if (neighbor->ago != 0) return;
  pairs_listed = false; // made when it is needed
  if (split && cut_coul > model->metadata().cutoff)
    model->net_neighbors.build(atom->x, model->neighbors_of_all(list),
                               model->metadata().cutoff + neighbor->skin);
}

/* ---------------------------------------------------------------------- */

void PairLES::build_graph()
{
  const int nall = atom->nlocal + atom->nghost;
  auto &species = model->species_of_atom;
  species.resize(nall);
  for (int i = 0; i < nall; i++) species[i] = model->species_of_type[atom->type[i]];

  const bool trimmed = split && cut_coul > model->metadata().cutoff;
  pair_les::build_graph(atom->x, species.data(), atom->nlocal, nall,
                        trimmed ? model->net_neighbors.view() : model->neighbors_of_all(list),
                        model->metadata().cutoff, model->graph, model->layers_of_ghosts());
}

/* ----------------------------------------------------------------------
   short-range energies, and what the latent sum has beyond that of the kspace style; reference energies, which
   may be a million times larger, are summed apart
------------------------------------------------------------------------- */

void PairLES::tally_energies()
{
  const auto &energy = model->evaluator->energy();
  double short_range_sum = 0.0, correction_sum = 0.0;
  const bool of_charge = equilibrates();

  for (int i = 0; i < static_cast<int>(energy.size()); i++) {
    const double short_range = energy[i] + (of_charge ? charge_energy(i) : 0.0);
    // what the latent sum has beyond 1/2 q phi of the kspace style, by the same rule
    const double correction = (solver == NONE) ? 0.0
                                               : 0.5 * model->solver_charge[i] *
                                                     potential_correction(model->solver_charge[i]);
    short_range_sum += short_range;
    correction_sum += correction;
    if (eflag_atom) tally_atom(i, short_range + correction);
  }

  if (eflag_global) {
    eng_vdwl += energy_unit * (reference_energy() + short_range_sum);
    eng_coul += energy_unit * correction_sum;
  }
}

/* ----------------------------------------------------------------------
   energy of local node n, eV without its reference energy
------------------------------------------------------------------------- */

void PairLES::tally_atom(int n, double energy)
{
  const double reference = model->metadata().reference_energy(model->graph.species[n]);
  eatom[model->graph.atom[n]] += energy_unit * (reference + energy);
}

/* ----------------------------------------------------------------------
   sum over the local atoms, eV
------------------------------------------------------------------------- */

double PairLES::reference_energy() const
{
  return model->metadata().reference_energy(model->graph.species.data(), model->graph.n_local);
}

/* ----------------------------------------------------------------------
   second phase: chain-rule forces -sum_j phi_j dq_j/dr together with the short-range forces
------------------------------------------------------------------------- */

void PairLES::backward_from_kspace(double *virial_sum, double **virial_atom, double **centroid_atom)
{
  if (solver != KSPACE) return;
  // commands that call kspace themselves (dynamical_matrix, third_order) do not ask it for energies of atoms
  if (!KSpaceAccess::has_energies_of_atoms(force->kspace)) compute_kspace_alone();
  kspace_box->remember();
  update_potential();
  scatter_edge_gradient(virial_sum, virial_atom, centroid_atom);
}

/* ----------------------------------------------------------------------
   what the derivatives of the outputs are multiplied with: dE_lr/dq, or with equilibrated charges these
------------------------------------------------------------------------- */

const double *PairLES::backward_seed() const
{
  if (solver == NONE) return nullptr;
  return equilibrates() ? model->solver_charge.data() : model->phi.data();
}

/* ---------------------------------------------------------------------- */

void PairLES::scatter_edge_gradient(double *virial_sum, double **virial_atom,
                                    double **centroid_atom)
{
  stop_on_failure(attempt([this] { model->evaluator->backward(backward_seed()); }));
  add_edge_forces(model->evaluator->edge_gradient().data(), virial_sum, virial_atom, centroid_atom);
}

/* ----------------------------------------------------------------------
   forces are added, on ghosts too; W_ab = -sum over edges of r_a g_b.
   stress/atom shares each edge between its two atoms; centroid/stress/atom gives it to the neighbour,
   whose position relative to the centre of the energy enters the heat current (Fan et al. 2015)
------------------------------------------------------------------------- */

void PairLES::add_edge_forces(const double *g, double *virial_sum, double **virial_atom,
                              double **centroid_atom)
{
  const auto &graph = model->graph;
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

    if (!virial_sum && !virial_atom && !centroid_atom) continue;
    const double v[9] = {-r[0] * gx, -r[1] * gy, -r[2] * gz, -r[0] * gy, -r[0] * gz,
                         -r[1] * gz, -r[1] * gx, -r[2] * gx, -r[2] * gy};
    for (int k = 0; k < 6; k++) w[k] += v[k];
    if (virial_atom)
      for (int k = 0; k < 6; k++) {
        virial_atom[i][k] += 0.5 * v[k];
        virial_atom[j][k] += 0.5 * v[k];
      }
    if (centroid_atom)
      for (int k = 0; k < 9; k++) centroid_atom[j][k] += v[k];
  }
  if (virial_sum)
    for (int k = 0; k < 6; k++) virial_sum[k] += w[k];
}

/* ---------------------------------------------------------------------- */

double PairLES::memory_usage()
{
  double bytes = Pair::memory_usage() + model->graph.bytes() + model->net_neighbors.bytes() +
                 model->split_sum.bytes();
  if (model->evaluator) bytes += sizeof(double) * model->evaluator->edge_gradient().capacity();
  return bytes;
}
