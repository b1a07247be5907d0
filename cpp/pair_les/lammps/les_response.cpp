// SPDX-License-Identifier: GPL-2.0-only

#include "les_response.h"

#include "atom.h"
#include "domain.h"
#include "error.h"
#include "update.h"

#include "core/born.h"
#include "core/constants.h"

#include <cmath>

using namespace LAMMPS_NS;

namespace {

// The box as the core takes it; fractional coordinates start at the origin of coordinates, not at
// the box.
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

void LESResponse::evaluate_again()
{
  require_present_step();
  network.forward_again();
}

void LESResponse::require_present_step()
{
  if (network.step() != update->ntimestep)
    error->all(
        FLERR,
        "Charges of pair_style les are those of step {}, not of step {}; type 'run 0' before "
        "they are asked for",
        network.step(), update->ntimestep);

  network.sync_to_host();
  if (network.long_range()) {
    charges.sync_to_host();
    long_range.sync_to_host();
  }
}

std::vector<double> LESResponse::energy_uncertainty()
{
  require_present_step();
  return network.energy_uncertainty();
}

// sigma_i = k_s sqrt(sum_j w(r_ij) u_j^2) with w(r) = (1 - (r / cutoff)^2)^2, over i and its neighbors
std::vector<double> LESResponse::force_uncertainty(const double *variance) const
{
  const auto &graph = network.graph();
  const double cutoff_squared = network.cutoff() * network.cutoff();
  std::vector<double> uncertainty(variance, variance + atom->nlocal);
  for (bigint e = 0; e < graph.n_edges(); e++) {
    if (graph.center[e] >= graph.n_local) break; // centers ascend, those of ghosts come last
    const double *const r = &graph.edge_vectors[3 * e];
    const double w = 1.0 - (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) / cutoff_squared;
    uncertainty[graph.atom[graph.center[e]]] += w * w * variance[graph.atom[graph.neighbor[e]]];
  }
  const auto &inverse_length = network.metadata().uncertainty->inverse_length;
  for (bigint node = 0; node < graph.n_local; node++) {
    double &value = uncertainty[graph.atom[node]];
    value = inverse_length[graph.species[node]] * std::sqrt(value);
  }
  return uncertainty;
}

std::string LESResponse::element_of_type(int type) const
{
  const int species = network.species()[type];
  return species < 0 ? "X" : network.metadata().species[species];
}

void LESResponse::add_born_charges(double **born)
{
  evaluate_again();
  double *const sum = born ? &born[0][0] : nullptr; // a rank may have no atoms at all
  if (network.metadata().message_passing_layers == 0)
    add_born_of_edges(sum);
  else
    for (int direction = 0; direction < 3; direction++) {
      add_born_of_weights(direction, false, sum);
      if (domain->periodicity[direction]) add_born_of_weights(direction, true, sum);
    }
  for (int i = 0; i < atom->nlocal; i++)
    for (int a = 0; a < 3; a++) born[i][4 * a] += charge(i);
}

// Strictly local: every charge has edges of its own.
void LESResponse::add_born_of_edges(double *born)
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
    mean.cosine[g] = all[g] / charges.n_atoms();
    mean.sine[g] = all[3 + g] / charges.n_atoms();
    mean.coordinate[g] = all[6 + g] / charges.n_atoms();
  }
  const std::vector<double> ones(network.graph().n_local, 1.0);
  pair_les::add_born_charges(network.graph(), network.charge_gradient(ones.data()), atom->x,
                             lattice, charges.projects() ? &mean : nullptr, born);
}

// Messages between atoms: an edge may belong to many charges.
void LESResponse::add_born_of_weights(int direction, bool cosine, double *born)
{
  using pair_les::BornProduct;
  const auto lattice = lattice_of(domain);
  const BornProduct product{direction, cosine ? BornProduct::COSINE : BornProduct::SINE};
  std::vector<double> weight(atom->nlocal); // every atom has a species, so that nodes are atoms
  for (int i = 0; i < atom->nlocal; i++) weight[i] = product.weight(lattice, atom->x[i]);
  charges.project_back(weight);
  pair_les::add_born_product(network.graph(), network.charge_gradient(weight.data()), atom->x,
                             lattice, product, born);
}

void LESResponse::add_polarization_phase(int i, double *sum) const
{
  const auto lattice = lattice_of(domain);
  const auto s = lattice.fractional(atom->x[i]);
  const double q = charge(i);
  for (int g = 0; g < 3; g++) {
    if (!lattice.periodic[g]) {
      sum[g] += q * s[g];
      continue;
    }
    sum[g] += q * std::sin(2.0 * pair_les::PI * s[g]) / (2.0 * pair_les::PI);
    sum[3 + g] -= q * std::cos(2.0 * pair_les::PI * s[g]) / (2.0 * pair_les::PI);
  }
}

void LESResponse::add_member_forces(int member, double **forces)
{
  const double *const potential =
      long_range.has_charges() ? long_range.potential().data() : nullptr;
  network.add_gradient(network.member_gradient(member, potential), forces);
}

// Those of electrodes are common to all networks.
std::vector<double> LESResponse::member_charge(int member) const
{
  auto of_member = network.member_charge(member);
  if (electrodes.on())
    for (int i = 0; i < atom->nlocal; i++)
      if (electrodes.contains(i)) of_member[i] = charge(i);
  return of_member;
}
