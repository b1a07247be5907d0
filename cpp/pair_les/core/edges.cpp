// SPDX-License-Identifier: MIT

#include "edges.h"

#include <algorithm>

namespace pair_les {

double Graph::bytes() const
{
  return static_cast<double>(sizeof(std::int64_t)) *
             static_cast<double>(species.capacity() + node.capacity() + centre.capacity() +
                                 neighbour.capacity()) +
         static_cast<double>(sizeof(int) * atom.capacity()) +
         static_cast<double>(sizeof(double) * edge_vectors.capacity());
}

namespace {

// Number the atoms that have a species.
void number_nodes(const int *species_of_atom, int n_local, int n_all, Graph &graph)
{
  graph.node.assign(static_cast<std::size_t>(n_all), -1);
  graph.species.clear();
  graph.atom.clear();
  for (int i = 0; i < n_all; ++i) {
    if (i == n_local) graph.n_local = graph.n_nodes();
    if (species_of_atom[i] < 0) continue;
    graph.node[static_cast<std::size_t>(i)] = graph.n_nodes();
    graph.species.push_back(species_of_atom[i]);
    graph.atom.push_back(i);
  }
  if (n_local == n_all) graph.n_local = graph.n_nodes();
}

// Whether each atom is a centre: local, or within `layers` edges of a local atom.
// An atom without a species passes nothing on, and need not have a list.
std::vector<char> reaching(const double *const *x, const Graph &graph, const FullNeighborList &list,
                           double cutoff, int layers)
{
  std::vector<char> reaches(graph.node.size(), 0);
  std::vector<int> front(graph.atom.begin(), graph.atom.begin() + graph.n_local), next;
  for (const int i : front) reaches[static_cast<std::size_t>(i)] = 1;
  for (; layers > 0; --layers, front.swap(next)) {
    next.clear();
    for (const int i : front) {
      for (int k = 0; k < list.n_neighbours[i]; ++k) {
        const int j = list.neighbours[i][k] & list.index_mask;
        if (reaches[static_cast<std::size_t>(j)] || graph.node[static_cast<std::size_t>(j)] < 0)
          continue;
        const double dx = x[j][0] - x[i][0];
        const double dy = x[j][1] - x[i][1];
        const double dz = x[j][2] - x[i][2];
        if (dx * dx + dy * dy + dz * dz >= cutoff * cutoff) continue;
        reaches[static_cast<std::size_t>(j)] = 1;
        next.push_back(j);
      }
    }
  }
  return reaches;
}

} // namespace

void build_graph(const double *const *x, const int *species_of_atom, int n_local, int n_all,
                 const FullNeighborList &list, double cutoff, Graph &graph, int layers)
{
  number_nodes(species_of_atom, n_local, n_all, graph);
  graph.centre.clear();
  graph.neighbour.clear();
  graph.edge_vectors.clear();

  // the contract wants edges sorted by centre; LAMMPS lists are, unless another style reordered them
  std::vector<int> centres(list.centres, list.centres + list.n_centres);
  if (!std::is_sorted(centres.begin(), centres.end())) std::sort(centres.begin(), centres.end());

  std::vector<char> reaches;
  if (layers > 0) reaches = reaching(x, graph, list, cutoff, layers);

  const double cutoff_squared = cutoff * cutoff;
  for (const int i : centres) {
    const std::int64_t centre = graph.node[static_cast<std::size_t>(i)];
    if (centre < 0) continue;
    if (layers > 0 && !reaches[static_cast<std::size_t>(i)]) continue;
    const double *const xi = x[i];
    const int *const neighbours = list.neighbours[i];
    for (int k = 0; k < list.n_neighbours[i]; ++k) {
      // the upper bits carry the special-bond kind and have to go before any use as an index
      const int j = neighbours[k] & list.index_mask;
      const double dx = x[j][0] - xi[0];
      const double dy = x[j][1] - xi[1];
      const double dz = x[j][2] - xi[2];
      if (dx * dx + dy * dy + dz * dz >= cutoff_squared) continue;
      const std::int64_t neighbour = graph.node[static_cast<std::size_t>(j)];
      if (neighbour < 0) continue;
      graph.centre.push_back(centre);
      graph.neighbour.push_back(neighbour);
      graph.edge_vectors.insert(graph.edge_vectors.end(), {dx, dy, dz});
    }
  }
}

} // namespace pair_les
