/* ----------------------------------------------------------------------
   SPDX-License-Identifier: GPL-2.0-only

   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories

   pair_style les: what its charges say about polarisation, for the computes of this package.
------------------------------------------------------------------------- */

#include "pair_les.h"

#include "atom.h"
#include "domain.h"
#include "error.h"
#include "modify.h"
#include "update.h"

#include "core/born.h"
#include "core/constants.h"
#include "fix_les_backward.h"
#include "pair_les_model.h"

#include <cmath>

using namespace LAMMPS_NS;

namespace {

// The box as the core takes it; fractional coordinates start at the origin of coordinates, not at the box.
pair_les::Lattice lattice_of(const Domain *domain)
{
  const double *const h = domain->h; // xx yy zz yz xz xy
  pair_les::Lattice lattice;
  lattice.vectors = {{{h[0], 0.0, 0.0}, {h[5], h[1], 0.0}, {h[4], h[3], h[2]}}};
  for (int g = 0; g < 3; g++) {
    lattice.periodic[g] = domain->periodicity[g] != 0;
    if (lattice.periodic[g]) continue;
    lattice.vectors[g] = {0.0, 0.0, 0.0};
    lattice.vectors[g][g] = 1.0;
  }
  return lattice;
}

} // namespace

/* ----------------------------------------------------------------------
   the one pair style with latent charges, also inside hybrid/overlay; nullptr if there is none
------------------------------------------------------------------------- */

PairLES *PairLES::with_charges(LAMMPS *lmp)
{
  const auto fixes = lmp->modify->get_fix_by_style("^LES/BACKWARD");
  return fixes.empty() ? nullptr : dynamic_cast<FixLESBackward *>(fixes[0])->pair;
}

/* ---------------------------------------------------------------------- */

double PairLES::latent_charge(int i) const
{
  return model->solver_charge[i];
}

/* ----------------------------------------------------------------------
   keyword charge, or neutralize: a projection, which spreads every change of their sum over all atoms
------------------------------------------------------------------------- */

bool PairLES::projects_charges() const
{
  return model->long_range()->neutralize || model->total_given;
}

/* ----------------------------------------------------------------------
   forward pass on the graph of the present step, whose tape the backward pass has used up
------------------------------------------------------------------------- */

void PairLES::evaluate_again()
{
  if (model->step != update->ntimestep)
    error->all(
        FLERR,
        "Charges of pair_style les are those of step {}, not of step {}; type 'run 0' before "
        "they are asked for",
        model->step, update->ntimestep);

  bring_home();
  stop_on_failure(attempt([this] { evaluate_network(); }));
}

/* ----------------------------------------------------------------------
   Born effective charges, latent, nine per atom; the part of ghosts is left to the caller
------------------------------------------------------------------------- */

void PairLES::add_born_charges(double **born)
{
  evaluate_again();
  double *const sum = born ? &born[0][0] : nullptr; // a rank may have no atoms at all
  if (model->metadata().message_passing_layers == 0)
    add_born_of_edges(sum);
  else
    for (int direction = 0; direction < 3; direction++) {
      add_born_of_weights(direction, false, sum);
      if (domain->periodicity[direction]) add_born_of_weights(direction, true, sum);
    }
  for (int i = 0; i < atom->nlocal; i++)
    for (int a = 0; a < 3; a++) born[i][4 * a] += model->solver_charge[i];
}

/* ----------------------------------------------------------------------
   gradient of sum_i weight_i q_i in the edges, of the forward pass that has just been made
------------------------------------------------------------------------- */

const double *PairLES::charge_gradient(const double *weight)
{
  stop_on_failure(attempt([&] { model->evaluator->charge_gradient(weight); }));
  return model->evaluator->edge_gradient().data();
}

/* ----------------------------------------------------------------------
   strictly local: every charge has edges of its own
------------------------------------------------------------------------- */

void PairLES::add_born_of_edges(double *born)
{
  const auto lattice = lattice_of(domain);
  double mine[9] = {0.0}, all[9];
  for (int i = 0; i < atom->nlocal; i++) {
    const auto s = lattice.fractional(atom->x[i]);
    for (int g = 0; g < 3; g++) {
      mine[g] += std::cos(2.0 * pair_les::PI * s[g]);
      mine[3 + g] += std::sin(2.0 * pair_les::PI * s[g]);
      mine[6 + g] += s[g];
    }
  }
  MPI_Allreduce(mine, all, 9, MPI_DOUBLE, MPI_SUM, world);
  pair_les::MeanPhase mean;
  for (int g = 0; g < 3; g++) {
    mean.cosine[g] = all[g] / model->n_charges;
    mean.sine[g] = all[3 + g] / model->n_charges;
    mean.coordinate[g] = all[6 + g] / model->n_charges;
  }
  const std::vector<double> ones(model->graph.n_local, 1.0);
  pair_les::add_born_charges(model->graph, charge_gradient(ones.data()), atom->x, lattice,
                             projects_charges() ? &mean : nullptr, born);
}

/* ----------------------------------------------------------------------
   messages between atoms: an edge may belong to many charges
------------------------------------------------------------------------- */

void PairLES::add_born_of_weights(int direction, bool cosine, double *born)
{
  using pair_les::BornProduct;
  const auto lattice = lattice_of(domain);
  const BornProduct product{direction, cosine ? BornProduct::COSINE : BornProduct::SINE};
  std::vector<double> weight(atom->nlocal); // every atom has a species, so that nodes are atoms
  double mine = 0.0, sum;
  for (int i = 0; i < atom->nlocal; i++) {
    weight[i] = product.weight(lattice, atom->x[i]);
    mine += weight[i];
  }
  MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, world);
  if (projects_charges()) // the transpose of the projection
    for (auto &value : weight) value -= sum / model->n_charges;
  pair_les::add_born_product(model->graph, charge_gradient(weight.data()), atom->x, lattice,
                             product, born);
}

/* ----------------------------------------------------------------------
   adds the share of one atom to real and imaginary part of P_g, six numbers; q s_g where not periodic
------------------------------------------------------------------------- */

void PairLES::add_polarization_phase(int i, double *sum) const
{
  const auto lattice = lattice_of(domain);
  const auto s = lattice.fractional(atom->x[i]);
  const double q = model->solver_charge[i];
  for (int g = 0; g < 3; g++) {
    if (!lattice.periodic[g]) {
      sum[g] += q * s[g];
      continue;
    }
    sum[g] += q * std::sin(2.0 * pair_les::PI * s[g]) / (2.0 * pair_les::PI);
    sum[3 + g] -= q * std::cos(2.0 * pair_les::PI * s[g]) / (2.0 * pair_les::PI);
  }
}
