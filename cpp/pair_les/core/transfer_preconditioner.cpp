// SPDX-License-Identifier: MIT

#include "transfer_preconditioner.h"

#include <algorithm>
#include <cmath>

namespace pair_les {

namespace {

// Found by trial on a salt, water, a slab with vapour and a gas; iterations hardly depend on them.
constexpr double LEAST_DIAGONAL = 1.0e-3; // relative to 1 / curvature
constexpr double FEW_NEIGHBORS = 0.25;    // sum of G below which an atom has hardly a neighbor

} // namespace

void TransferPreconditioner::build(const Graph &graph, const std::vector<double> &curvature,
                                   double length, double cutoff, double lone)
{
  const std::size_t n_local = curvature.size();
  mobility_.resize(n_local);
  diagonal_.resize(n_local);
  first_.assign(n_local + 1, 0);
  neighbor_.clear();
  weight_.clear();

  std::size_t edge = 0; // edges are sorted by center, local centers first
  const auto n_edges = static_cast<std::size_t>(graph.n_edges());
  for (std::size_t i = 0; i < n_local; ++i) {
    first_[i] = weight_.size();
    double neighbors = 0.0;
    for (; edge < n_edges && static_cast<std::size_t>(graph.center[edge]) == i; ++edge) {
      const double *const d = &graph.edge_vectors[3 * edge];
      const double r_squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      const double rest = 1.0 - r_squared / (cutoff * cutoff);
      if (rest <= 0.0) continue;
      const double weight = std::exp(-std::sqrt(r_squared) / length) * rest * rest;
      neighbor_.push_back(graph.atom[static_cast<std::size_t>(graph.neighbor[edge])]);
      weight_.push_back(weight);
      neighbors += weight;
    }
    mobility_[i] = 1.0 / std::sqrt(curvature[i] * (1.0 + neighbors));
    const double many = neighbors / FEW_NEIGHBORS;
    diagonal_[i] =
        std::max(LEAST_DIAGONAL / curvature[i], std::exp(-many * many) / (curvature[i] + lone));
  }
  first_[n_local] = weight_.size();
}

void TransferPreconditioner::set_mobilities(const double *mobility)
{
  for (std::size_t i = 0; i < mobility_.size(); ++i)
    diagonal_[i] += mobility_[i] * sum(i, mobility);
}

void TransferPreconditioner::apply(const std::vector<double> &residual, const double *message,
                                   std::vector<double> &correction) const
{
  for (std::size_t i = 0; i < mobility_.size(); ++i)
    correction[i] = diagonal_[i] * residual[i] - mobility_[i] * sum(i, message);
}

double TransferPreconditioner::sum(std::size_t i, const double *of_neighbors) const
{
  double total = 0.0;
  for (std::size_t k = first_[i]; k < first_[i + 1]; ++k)
    total += weight_[k] * of_neighbors[neighbor_[k]];
  return total;
}

} // namespace pair_les
