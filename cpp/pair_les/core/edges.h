// SPDX-License-Identifier: MIT
// The graph that forward() sees: atoms of known species and directed edges shorter than the cutoff.

#ifndef PAIR_LES_CORE_EDGES_H
#define PAIR_LES_CORE_EDGES_H

#include <cstdint>
#include <vector>

namespace pair_les {

// Nodes are the atoms with a species, local ones first, in the caller's order; storage is reused.
struct Graph {
  std::int64_t n_local = 0;           // local nodes, [0, n_local)
  std::vector<std::int64_t> species;  // [n_nodes] species index
  std::vector<int> atom;              // [n_nodes] the caller's atom index
  std::vector<std::int64_t> node;     // per atom index: its node, -1 without a species
  std::vector<std::int64_t> center;   // [n_edges] node i, ascending
  std::vector<std::int64_t> neighbor; // [n_edges] node j
  std::vector<double> edge_vectors;   // [n_edges * 3] x_j - x_i, angstrom

  std::int64_t n_nodes() const { return static_cast<std::int64_t>(species.size()); }
  std::int64_t n_edges() const { return static_cast<std::int64_t>(center.size()); }
  double bytes() const;
};

// A full neighbor list in the layout that LAMMPS uses.
struct FullNeighborList {
  int n_centers;          // atoms that have a list
  const int *centers;     // [n_centers] their indices
  const int *n_neighbors; // per atom index
  int *const *neighbors;  // per atom index
  int index_mask;         // bits of a neighbor entry that are the atom index
};

// Rebuild `graph` for `n_all` atoms at x (angstrom), the first `n_local` of them local.
// `species_of_atom` [n_all] is the species index of each atom, or -1 for an atom that is not in the model.
// Positions enter in double precision, so that the size of the box does not matter to float32 models.
// Centers are the local atoms and, for a model with message-passing layers, the atoms whose messages reach them: those
// within `layers` edges of a local atom. The list must have their neighbors.
void build_graph(const double *const *x, const int *species_of_atom, int n_local, int n_all,
                 const FullNeighborList &list, double cutoff, Graph &graph, int layers = 0);

// Index of the shortest edge, -1 without edges.
std::int64_t shortest_edge(const Graph &graph);

} // namespace pair_les

#endif
