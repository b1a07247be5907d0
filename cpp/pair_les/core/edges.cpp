// SPDX-License-Identifier: MIT

#include "edges.h"

#include <algorithm>

namespace pair_les {

double Graph::bytes() const
{
  return static_cast<double>(sizeof(std::int64_t)) *
             static_cast<double>(species.capacity() + node.capacity() + center.capacity() +
                                 neighbor.capacity()) +
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

// Whether each atom is a center: local, or within `layers` edges of a local atom.
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
      for (int k = 0; k < list.n_neighbors[i]; ++k) {
        const int j = list.neighbors[i][k] & list.index_mask;
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

// Room for n edges, with what the vectors have in reserve; what it holds is not looked at before it is written.
void make_room(Graph &graph, std::size_t n)
{
  if (graph.center.size() >= n) return;
  const std::size_t room = std::max(n, graph.center.capacity());
  graph.center.resize(room);
  graph.neighbor.resize(room);
  graph.edge_vectors.resize(3 * room);
}

} // namespace

void build_graph(const double *const *x, const int *species_of_atom, int n_local, int n_all,
                 const FullNeighborList &list, double cutoff, Graph &graph, int layers)
{
  number_nodes(species_of_atom, n_local, n_all, graph);
  // the contract wants edges sorted by center; LAMMPS lists are, unless another style reordered them
  std::vector<int> centers(list.centers, list.centers + list.n_centers);
  if (!std::is_sorted(centers.begin(), centers.end())) std::sort(centers.begin(), centers.end());

  std::vector<char> reaches;
  if (layers > 0) reaches = reaching(x, graph, list, cutoff, layers);

  const double cutoff_squared = cutoff * cutoff;
  std::size_t n = 0;
  for (const int i : centers) {
    const std::int64_t center = graph.node[static_cast<std::size_t>(i)];
    if (center < 0) continue;
    if (layers > 0 && !reaches[static_cast<std::size_t>(i)]) continue;
    const double *const xi = x[i];
    const int *const neighbors = list.neighbors[i];
    const int n_neighbors = list.n_neighbors[i];
    make_room(graph, n + static_cast<std::size_t>(n_neighbors) + 1);
    std::int64_t *const to_center = graph.center.data();
    std::int64_t *const to_neighbor = graph.neighbor.data();
    double *const to_vector = graph.edge_vectors.data();
    for (int k = 0; k < n_neighbors; ++k) {
      // the upper bits carry the special-bond kind and have to go before any use as an index
      const int j = neighbors[k] & list.index_mask;
      const std::int64_t neighbor = graph.node[static_cast<std::size_t>(j)];
      const double dx = x[j][0] - xi[0];
      const double dy = x[j][1] - xi[1];
      const double dz = x[j][2] - xi[2];
      // written in any case, and kept or overwritten by the next: about as many are within the cutoff as beyond, in no order
      to_center[n] = center;
      to_neighbor[n] = neighbor;
      to_vector[3 * n] = dx;
      to_vector[3 * n + 1] = dy;
      to_vector[3 * n + 2] = dz;
      // what is not a number is kept, to be noticed
      const bool beyond = dx * dx + dy * dy + dz * dz >= cutoff_squared, known = neighbor >= 0;
      n += static_cast<std::size_t>(!beyond & known);
    }
  }
  graph.center.resize(n);
  graph.neighbor.resize(n);
  graph.edge_vectors.resize(3 * n);
}

std::int64_t shortest_edge(const Graph &graph)
{
  std::int64_t shortest = -1;
  double smallest = 0.0;
  const double *r = graph.edge_vectors.data();
  for (std::int64_t e = 0; e < graph.n_edges(); ++e, r += 3) {
    const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    if (shortest >= 0 && !(square < smallest)) continue;
    shortest = e;
    smallest = square;
  }
  return shortest;
}

} // namespace pair_les
