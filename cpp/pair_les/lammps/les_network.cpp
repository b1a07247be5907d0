// SPDX-License-Identifier: GPL-2.0-only

#include "les_network.h"

#include "atom.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include "core/constants.h"
#include "les_failure.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

namespace {

bool finite(const std::vector<double> &values)
{
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(value); });
}

// With the ghosts that have a list: none, unless their messages are recomputed.
pair_les::FullNeighborList view_of(const NeighList *list)
{
  return {list->inum + list->gnum, list->ilist, list->numneigh, list->firstneigh, NEIGHMASK};
}

} // namespace

LESNetwork::LESNetwork(LAMMPS *lmp, Pair *pair, const LESUnits &units, bool communicates) :
    LESModel(lmp), units(units), messages(lmp, pair, edges, communicates)
{}

void LESNetwork::build_graph(NeighList *list, double list_cutoff)
{
  present_list = list;
  if (neighbor->ago == 0) lists++;
  fill_graph(list_cutoff);
  built = update->ntimestep;
}

void LESNetwork::fill_graph(double list_cutoff)
{
  const int nall = atom->nlocal + atom->nghost;
  species_of_atom.resize(nall);
  for (int i = 0; i < nall; i++) species_of_atom[i] = species_of_type[atom->type[i]];

  const bool trimmed = list_cutoff > cutoff();
  if (trimmed && neighbor->ago == 0)
    near_neighbors.build(atom->x, view_of(list()), cutoff() + neighbor->skin);
  pair_les::build_graph(atom->x, species_of_atom.data(), atom->nlocal, nall,
                        trimmed ? near_neighbors.view() : view_of(list()), cutoff(), edges,
                        messages.recomputed_layers());
}

void LESNetwork::forward()
{
  const auto failure = evaluate();
  const auto overlap = describe_overlap(); // a network returns numbers for such atoms, too
  stop_on_failure(lmp, overlap.empty() ? failure : overlap);
}

std::string LESNetwork::evaluate()
{
  const auto failure = failure_of([this] { run(); });
  if (!failure.empty()) return failure;
  if (!finite(evaluator->hardness())) return not_finite("a hardness");
  if (!finite(evaluator->electronegativity())) return not_finite("an electronegativity");
  if (!finite(evaluator->charge())) return not_finite("a charge");
  if (!finite(evaluator->energy())) return not_finite("an energy");
  return "";
}

void LESNetwork::forward_again()
{
  stop_on_failure(lmp, failure_of([this] { run(); }));
}

std::string LESNetwork::describe_overlap()
{
  const auto edge = pair_les::shortest_edge(edges);
  if (edge < 0) return "";
  const double *const r = &edges.edge_vectors[3 * edge];
  const double distance = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
  if (!(distance < pair_les::SMALLEST_DISTANCE)) return "";
  return fmt::format(
      "atoms {} and {} are {:.3g} A apart at step {}, less than the {} A from which pair_style les "
      "has energies; type 'delete_atoms overlap 0.1 all all' if one of them is a duplicate",
      atom->tag[edges.atom[edges.center[edge]]], atom->tag[edges.atom[edges.neighbor[edge]]],
      distance, update->ntimestep, pair_les::SMALLEST_DISTANCE);
}

std::string LESNetwork::not_finite(const char *output) const
{
  return fmt::format(
      "model file '{}' returned {} that is not finite at step {}: atoms are too close, or "
      "the configuration is far from the training data",
      name, output, update->ntimestep);
}

// Values of the local atoms for the evaluator, which knows nodes.
const double *LESNetwork::at_nodes(const double *values_of_atoms)
{
  if (!values_of_atoms || edges.n_local == atom->nlocal) return values_of_atoms;
  node_values.resize(edges.n_local);
  for (bigint n = 0; n < edges.n_local; n++) node_values[n] = values_of_atoms[edges.atom[n]];
  return node_values.data();
}

void LESNetwork::backward(const double *seed, const LESTally &tally)
{
  stop_on_failure(lmp, failure_of([&] { evaluator->backward(at_nodes(seed)); }));
  add_edge_forces(evaluator->edge_gradient().data(), tally);
}

// Forces are added, on ghosts too; W_ab = -sum over edges of r_a g_b. stress/atom shares each edge
// between its two atoms; centroid/stress/atom gives it to the neighbor, whose position relative to
// the center of the energy enters the heat current (Fan et al. 2015).
void LESNetwork::add_edge_forces(const double *g, const LESTally &tally)
{
  const double *r = edges.edge_vectors.data();
  double **f = atom->f;
  double w[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};

  for (bigint e = 0; e < edges.n_edges(); e++, g += 3, r += 3) {
    const int i = edges.atom[edges.center[e]];
    const int j = edges.atom[edges.neighbor[e]];
    const double gx = units.energy * g[0], gy = units.energy * g[1], gz = units.energy * g[2];
    f[i][0] += gx;
    f[i][1] += gy;
    f[i][2] += gz;
    f[j][0] -= gx;
    f[j][1] -= gy;
    f[j][2] -= gz;

    if (!tally.virial && !tally.virials_of_atoms()) continue;
    const double v[9] = {-r[0] * gx, -r[1] * gy, -r[2] * gz, -r[0] * gy, -r[0] * gz,
                         -r[1] * gz, -r[1] * gx, -r[2] * gx, -r[2] * gy};
    for (int k = 0; k < 6; k++) w[k] += v[k];
    if (tally.virials)
      for (int k = 0; k < 6; k++) {
        tally.virials[i][k] += 0.5 * v[k];
        tally.virials[j][k] += 0.5 * v[k];
      }
    if (tally.centroids)
      for (int k = 0; k < 9; k++) tally.centroids[j][k] += v[k];
  }
  if (tally.virial)
    for (int k = 0; k < 6; k++) tally.virial[k] += w[k];
}

// Reference energies, which may be a million times larger, are summed apart.
void LESNetwork::tally_energies(const LESTally &tally)
{
  const auto &energy = evaluator->energy();
  double sum = 0.0;
  for (std::size_t n = 0; n < energy.size(); n++) {
    sum += energy[n];
    if (tally.energies)
      tally.energies[edges.atom[n]] +=
          units.energy * (metadata().reference_energy(edges.species[n]) + energy[n]);
  }
  if (tally.short_range)
    *tally.short_range +=
        units.energy * (metadata().reference_energy(edges.species.data(), edges.n_local) + sum);
}

const double *LESNetwork::charge_gradient(const double *weight)
{
  stop_on_failure(lmp, failure_of([&] { evaluator->charge_gradient(at_nodes(weight)); }));
  return evaluator->edge_gradient().data();
}

const double *LESNetwork::member_gradient(int member, const double *potential)
{
  stop_on_failure(lmp,
                  failure_of([&] { evaluator->member_gradient(member, at_nodes(potential)); }));
  return evaluator->edge_gradient().data();
}

std::vector<double> LESNetwork::member_charge(int member) const
{
  std::vector<double> charges(atom->nlocal, 0.0);
  const auto of_nodes = evaluator->member_charge(member);
  for (std::size_t node = 0; node < of_nodes.size(); node++)
    charges[edges.atom[node]] = of_nodes[node];
  return charges;
}

std::vector<double> LESNetwork::energy_uncertainty()
{
  std::vector<double> uncertainty(atom->nlocal, 0.0), of_nodes;
  stop_on_failure(lmp, failure_of([&] {
                    of_nodes = evaluator->energy_uncertainty(
                        edges, messages.communicates() ? &messages : nullptr);
                  }));
  for (std::size_t node = 0; node < of_nodes.size(); node++)
    uncertainty[edges.atom[node]] = of_nodes[node];
  return uncertainty;
}

void LESNetwork::add_gradient(const double *g, double **rows) const
{
  for (bigint e = 0; e < edges.n_edges(); e++, g += 3) {
    double *const ri = rows[edges.atom[edges.center[e]]];
    double *const rj = rows[edges.atom[edges.neighbor[e]]];
    for (int k = 0; k < 3; k++) {
      ri[k] += units.energy * g[k];
      rj[k] -= units.energy * g[k];
    }
  }
}

double LESNetwork::bytes() const
{
  double bytes = edges.bytes() + near_neighbors.bytes();
  if (evaluator) bytes += sizeof(double) * evaluator->edge_gradient().capacity();
  return bytes;
}
