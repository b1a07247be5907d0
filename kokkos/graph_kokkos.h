// SPDX-License-Identifier: GPL-2.0-only
// The graph of core/edges.h made on the device from the Kokkos neighbor list: count, scan, fill.
// Nothing leaves the device but the numbers of nodes and edges.

#ifndef PAIR_LES_KOKKOS_GRAPH_KOKKOS_H
#define PAIR_LES_KOKKOS_GRAPH_KOKKOS_H

#include "arrays_kokkos.h"

#include "core/edges.h"
#include "core/evaluator.h"

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <vector>

namespace LAMMPS_NS {
namespace les_kokkos {

template <class DeviceType> struct GraphKokkos {
  using Longs = Kokkos::View<std::int64_t *, DeviceType>;
  using Ints = Kokkos::View<int *, DeviceType>;

  std::int64_t n_local = 0, n_nodes = 0, n_edges = 0, n_all = 0; // n_all: atoms
  std::int64_t n_short_edges = 0;                                // those of atoms at one place
  Longs species;                                                 // [n_nodes]
  Longs index;           // [2 * n_edges] centers, then neighbors: one tensor of torch
  Longs first;           // [n_nodes + 1] edge that begins each center
  Ints node;             // [n_all] of each atom, -1 for one that the model does not know
  Ints atom;             // [n_nodes]
  Ints layer;            // [n_all] edges between an atom and the local ones; message passing only
  bool in_double = true; // precision of the edge vectors
  Kokkos::View<double *, DeviceType> vectors; // [n_edges * 3], or floats in the same memory

  template <class Real> Real *edge_vectors() const
  {
    return reinterpret_cast<Real *>(vectors.data());
  }

  pair_les::DeviceGraph arrays() const
  {
    return {n_local,       n_nodes, n_edges, species.data(), index.data(), index.data() + n_edges,
            vectors.data()};
  }

  double bytes() const
  {
    return 8.0 * (species.extent(0) + index.extent(0) + first.extent(0) + vectors.extent(0)) +
           4.0 * (node.extent(0) + atom.extent(0) + layer.extent(0));
  }

  // for computes on the host
  void copy_to(pair_les::Graph &graph) const;

  // [n_edges * 3] of a gradient on the device
  std::vector<double> gradient_on_host(const void *gradient) const;
};

// Edges of one atom, in the order of its list: visit(j, x_j - x_i) for each that the network sees.
template <class X, class List, class Node, class Visit>
KOKKOS_INLINE_FUNCTION void for_each_edge(const X &x, const List &neighbors, const int n_neighbors,
                                          const int i, const int mask, const double cutoff_squared,
                                          const Node &node, const Visit &visit)
{
  const double xi = x(i, 0), yi = x(i, 1), zi = x(i, 2);
  for (int k = 0; k < n_neighbors; k++) {
    const int j = neighbors(i, k) & mask;
    const double dx = x(j, 0) - xi, dy = x(j, 1) - yi, dz = x(j, 2) - zi;
    if (dx * dx + dy * dy + dz * dz >= cutoff_squared || node(j) < 0) continue;
    visit(j, dx, dy, dz);
  }
}

// Numbers of nodes, of all atoms and of the local ones.
struct NodeCounts {
  int all = 0, local = 0;

  KOKKOS_INLINE_FUNCTION
  void operator+=(const NodeCounts &other)
  {
    all += other.all;
    local += other.local;
  }
};

// Nodes are the atoms with a species, in the order of the atoms. No node has an edge yet: an atom may
// have no list, as a ghost, or as one that pair_style hybrid leaves to another style.
template <class DeviceType, class Type, class Species>
void number_nodes(GraphKokkos<DeviceType> &graph, const Type &type, const Species &species_of_type,
                  const int n_local, const int n_all)
{
  make_room(graph.node, "les:node", n_all);
  make_room(graph.atom, "les:atom", n_all);
  make_room(graph.species, "les:species", n_all);
  make_room(graph.first, "les:first", n_all + 1);
  const auto node = graph.node, atom = graph.atom;
  const auto species = graph.species, first = graph.first;
  NodeCounts counts;
  Kokkos::parallel_scan(
      "les:number_nodes", Kokkos::RangePolicy<DeviceType>(0, n_all),
      KOKKOS_LAMBDA(const int i, NodeCounts &next, const bool final) {
        const int s = species_of_type(type(i));
        if (final) {
          node(i) = s < 0 ? -1 : next.all;
          if (s >= 0) {
            atom(next.all) = i;
            species(next.all) = s;
            first(next.all) = 0;
          }
        }
        if (s < 0) return;
        next.all++;
        if (i < n_local) next.local++;
      },
      counts);
  graph.n_all = n_all;
  graph.n_nodes = counts.all;
  graph.n_local = counts.local;
}

// Message passing: centers are the local atoms and those within `layers` edges of one.
template <class DeviceType, class X, class NeighborList>
void find_layers(GraphKokkos<DeviceType> &graph, const X &x, const NeighborList &list,
                 const int n_local, const int n_all, const double cutoff, const int layers,
                 const int mask)
{
  make_room(graph.layer, "les:layer", n_all);
  const auto layer = graph.layer;
  const auto node = graph.node;
  const int unknown = layers + 1;
  Kokkos::parallel_for(
      "les:layer_0", Kokkos::RangePolicy<DeviceType>(0, n_all),
      KOKKOS_LAMBDA(const int i) { layer(i) = i < n_local ? 0 : unknown; });

  const auto ilist = list.d_ilist, numneigh = list.d_numneigh;
  const auto neighbors = list.d_neighbors;
  const double cutoff_squared = cutoff * cutoff;
  for (int l = 0; l < layers; l++)
    Kokkos::parallel_for(
        "les:layer", Kokkos::RangePolicy<DeviceType>(0, list.inum + list.gnum),
        KOKKOS_LAMBDA(const int ii) {
          const int i = ilist(ii);
          if (layer(i) != l) return;
          // several threads may write the same number
          for_each_edge(x, neighbors, numneigh(i), i, mask, cutoff_squared, node,
                        [&](const int j, double, double, double) {
                          if (layer(j) > l + 1) Kokkos::atomic_store(&layer(j), l + 1);
                        });
        });
}

template <class DeviceType, class X, class NeighborList>
void count_edges(GraphKokkos<DeviceType> &graph, const X &x, const NeighborList &list,
                 const double cutoff, const int layers, const int mask)
{
  const std::int64_t n_nodes = graph.n_nodes;
  const auto first = graph.first;
  const auto node = graph.node, layer = graph.layer;
  const auto ilist = list.d_ilist, numneigh = list.d_numneigh;
  const auto neighbors = list.d_neighbors;
  const double cutoff_squared = cutoff * cutoff;
  const int n_lists = layers > 0 ? list.inum + list.gnum : list.inum;
  Kokkos::parallel_for(
      "les:count_edges", Kokkos::RangePolicy<DeviceType>(0, n_lists), KOKKOS_LAMBDA(const int ii) {
        const int i = ilist(ii);
        if (node(i) < 0 || (layers > 0 && layer(i) > layers)) return;
        int count = 0;
        for_each_edge(x, neighbors, numneigh(i), i, mask, cutoff_squared, node,
                      [&](int, double, double, double) { count++; });
        first(node(i)) = count;
      });
  std::int64_t n_edges = 0;
  Kokkos::parallel_scan(
      "les:first_edges", Kokkos::RangePolicy<DeviceType>(0, n_nodes + 1),
      KOKKOS_LAMBDA(const int n, std::int64_t &next, const bool final) {
        const std::int64_t count = n < n_nodes ? first(n) : 0;
        if (final) first(n) = next;
        next += count;
      },
      n_edges);
  graph.n_edges = n_edges;
}

template <class Real, class DeviceType, class X, class NeighborList>
void fill_edges(GraphKokkos<DeviceType> &graph, const X &x, const NeighborList &list,
                const double cutoff, const int layers, const double shortest, const int mask)
{
  const auto index = graph.index, first = graph.first;
  const auto node = graph.node, layer = graph.layer;
  const std::int64_t row = graph.n_edges;
  Real *const vectors = graph.template edge_vectors<Real>();
  const auto ilist = list.d_ilist, numneigh = list.d_numneigh;
  const auto neighbors = list.d_neighbors;
  const double cutoff_squared = cutoff * cutoff, shortest_squared = shortest * shortest;
  const int n_lists = layers > 0 ? list.inum + list.gnum : list.inum;
  Kokkos::parallel_reduce(
      "les:fill_edges", Kokkos::RangePolicy<DeviceType>(0, n_lists),
      KOKKOS_LAMBDA(const int ii, std::int64_t &n_short) {
        const int i = ilist(ii);
        if (node(i) < 0 || (layers > 0 && layer(i) > layers)) return;
        std::int64_t e = first(node(i));
        for_each_edge(x, neighbors, numneigh(i), i, mask, cutoff_squared, node,
                      [&](const int j, const double dx, const double dy, const double dz) {
                        index(e) = node(i);
                        index(row + e) = node(j);
                        vectors[3 * e] = static_cast<Real>(dx);
                        vectors[3 * e + 1] = static_cast<Real>(dy);
                        vectors[3 * e + 2] = static_cast<Real>(dz);
                        if (dx * dx + dy * dy + dz * dz < shortest_squared) n_short++;
                        e++;
                      });
      },
      graph.n_short_edges);
}

// What pair_les::build_graph() does, with the same edges in the order of this list. Counts the edges
// that are shorter than `shortest`, angstrom.
template <class DeviceType, class X, class Type, class Species, class NeighborList>
void build(GraphKokkos<DeviceType> &graph, const X &x, const Type &type,
           const Species &species_of_type, const NeighborList &list, const int n_local,
           const int n_all, const double cutoff, const int layers, const double shortest,
           const int mask)
{
  number_nodes(graph, type, species_of_type, n_local, n_all);
  if (layers > 0) find_layers(graph, x, list, n_local, n_all, cutoff, layers, mask);
  count_edges(graph, x, list, cutoff, layers, mask);

  make_room(graph.index, "les:edge_index", 2 * graph.n_edges);
  make_room(graph.vectors, "les:edge_vectors",
            graph.in_double ? 3 * graph.n_edges : (3 * graph.n_edges + 1) / 2);
  if (graph.in_double)
    fill_edges<double>(graph, x, list, cutoff, layers, shortest, mask);
  else
    fill_edges<float>(graph, x, list, cutoff, layers, shortest, mask);
}

// n numbers of the device, doubles or floats, as doubles on the host
template <class DeviceType>
std::vector<double> as_doubles(const void *data, const bool in_double, const std::int64_t n)
{
  using Memory = typename DeviceType::memory_space;
  std::vector<double> result;
  if (in_double) {
    Kokkos::View<const double *, Memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>> view(
        static_cast<const double *>(data), n);
    copy_to_host(view, n, result);
  } else {
    std::vector<float> floats;
    Kokkos::View<const float *, Memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>> view(
        static_cast<const float *>(data), n);
    copy_to_host(view, n, floats);
    result.assign(floats.begin(), floats.end());
  }
  return result;
}

template <class DeviceType> void GraphKokkos<DeviceType>::copy_to(pair_les::Graph &graph) const
{
  graph.n_local = n_local;
  copy_to_host(species, n_nodes, graph.species);
  copy_to_host(atom, n_nodes, graph.atom);
  std::vector<int> nodes;
  copy_to_host(node, n_all, nodes);
  graph.node.assign(nodes.begin(), nodes.end());
  std::vector<std::int64_t> rows;
  copy_to_host(index, 2 * n_edges, rows);
  graph.center.assign(rows.begin(), rows.begin() + n_edges);
  graph.neighbor.assign(rows.begin() + n_edges, rows.end());
  graph.edge_vectors = as_doubles<DeviceType>(vectors.data(), in_double, 3 * n_edges);
}

template <class DeviceType>
std::vector<double> GraphKokkos<DeviceType>::gradient_on_host(const void *gradient) const
{
  return as_doubles<DeviceType>(gradient, in_double, 3 * n_edges);
}

} // namespace les_kokkos
} // namespace LAMMPS_NS

#endif
