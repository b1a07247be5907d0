// SPDX-License-Identifier: MIT

#include "smoothing_preconditioner.h"

#include <cmath>

namespace pair_les {

void SmoothingPreconditioner::build(const Graph &graph, const std::vector<double> &curvature,
                                    double length, double cutoff)
{
  const std::size_t n_local = curvature.size();
  scale_.resize(n_local);
  message_scale_.resize(n_local);
  first_.assign(n_local + 1, 0);
  neighbour_.clear();
  weight_.clear();

  std::size_t edge = 0; // edges are sorted by centre, local centres first
  const auto n_edges = static_cast<std::size_t>(graph.n_edges());
  for (std::size_t i = 0; i < n_local; ++i) {
    first_[i] = weight_.size();
    double norm = 1.0; // of the atom itself
    for (; edge < n_edges && static_cast<std::size_t>(graph.centre[edge]) == i; ++edge) {
      const double *const d = &graph.edge_vectors[3 * edge];
      const double r_squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      const double rest = 1.0 - r_squared / (cutoff * cutoff);
      if (rest <= 0.0) continue;
      const double weight = std::exp(-std::sqrt(r_squared) / length) * rest * rest;
      neighbour_.push_back(graph.atom[static_cast<std::size_t>(graph.neighbour[edge])]);
      weight_.push_back(weight);
      norm += weight;
    }
    scale_[i] = 1.0 / std::sqrt(curvature[i]);
    message_scale_[i] = scale_[i] / std::sqrt(norm);
  }
  first_[n_local] = weight_.size();
}

void SmoothingPreconditioner::apply(const std::vector<double> &residual, const double *message,
                                    std::vector<double> &correction) const
{
  for (std::size_t i = 0; i < scale_.size(); ++i) {
    double smooth = message[i];
    for (std::size_t k = first_[i]; k < first_[i + 1]; ++k)
      smooth += weight_[k] * message[neighbour_[k]];
    correction[i] = scale_[i] * scale_[i] * residual[i] - STRENGTH * message_scale_[i] * smooth;
  }
}

} // namespace pair_les
