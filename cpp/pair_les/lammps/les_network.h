// SPDX-License-Identifier: GPL-2.0-only
// The network of a model file on the atoms of this process: graph, forward and backward pass,
// communication of messages.

#ifndef PAIR_LES_LAMMPS_LES_NETWORK_H
#define PAIR_LES_LAMMPS_LES_NETWORK_H

#include "core/edges.h"
#include "core/pair_lists.h"
#include "les_messages.h"
#include "les_model.h"
#include "les_tally.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class LESNetwork : public LESModel {
 public:
  // `communicates`: messages between the layers rather than compute them again, where possible.
  LESNetwork(class LAMMPS *, class Pair *pair, const LESUnits &, bool communicates = true);

  // Graph of the present positions, from a list that reaches `list_cutoff` (angstrom).
  void build_graph(class NeighList *list, double list_cutoff);
  const pair_les::Graph &graph() const { return edges; }
  int species_of(int i) const // of an atom, -1 for one that is not in the model
  {
    return edges.node[i] < 0 ? -1 : static_cast<int>(edges.species[edges.node[i]]);
  }
  bigint step() const { return built; } // of the graph
  class NeighList *list() const { return present_list; }
  bigint n_lists() const { return lists; } // how many have been built so far

  // First phase: outputs of the local nodes. Refuses values that are not finite and atoms that
  // overlap. Collective.
  void forward();

  // The same once more, for what differentiates it, on the host and without looking at the outputs.
  // Collective.
  void forward_again();

  // Second phase: forces on local atoms and ghosts, and their virial. `seed` [nlocal] is the
  // potential of the charges in V, or with charge equilibration the charges in e; nullptr without
  // charges. Collective.
  virtual void backward(const double *seed, const LESTally &tally);

  // Energies of the network and reference energies of the local atoms.
  virtual void tally_energies(const LESTally &tally);

  const pair_les::Evaluator &outputs() const { return *evaluator; } // of the local nodes

  // [n_edges * 3] d(sum_i weight_i q_i) / d edge_vectors, e/angstrom, after forward_again().
  // Collective.
  const double *charge_gradient(const double *weight);

  // Gradient of one network of a committee, after forward_again(): [n_edges * 3] eV/angstrom.
  // Collective.
  int n_members() const { return loaded() ? metadata().committee : 1; }
  const double *member_gradient(int member, const double *potential);
  std::vector<double> member_charge(int member) const; // [nlocal] e, 0 without charges

  // Uncertainties of the energies of the local atoms in the present graph, [nlocal] eV, 0 without species, of a model that has
  // them. Collective.
  std::vector<double> energy_uncertainty();

  double energy_unit() const { return units.energy; } // energies of LAMMPS per eV

  // Adds a gradient of edges to rows of local atoms and ghosts, times LAMMPS's energy unit.
  void add_gradient(const double *gradient, double **rows) const;

  // The graph where code for the host finds it.
  virtual void sync_to_host() {}

  virtual double bytes() const;

 protected:
  const LESUnits &units;
  pair_les::Graph edges;

  virtual void fill_graph(double list_cutoff);
  virtual std::string evaluate();         // forward pass; returns what is wrong with it
  virtual std::string describe_overlap(); // of atoms, empty if there is none
  std::string not_finite(const char *output) const;
  void add_edge_forces(const double *gradient, const LESTally &tally);

 public:
  LESMessages messages; // of ghosts; after the graph, which it refers to

 private:
  std::vector<int> species_of_atom;     // [nlocal + nghost]
  pair_les::TrimmedList near_neighbors; // where the list of LAMMPS reaches further than the network
  class NeighList *present_list = nullptr;
  bigint built = -1, lists = 0;

  std::vector<double> node_values; // where not every local atom is a node

  const double *at_nodes(const double *values_of_atoms);
  void run() { evaluator->forward(edges, messages.communicates() ? &messages : nullptr); }
};

} // namespace LAMMPS_NS

#endif
