// SPDX-License-Identifier: MIT
// An approximate inverse of the matrix of charge equilibration, from the edges of the network's graph.

#ifndef PAIR_LES_CORE_SMOOTHING_PRECONDITIONER_H
#define PAIR_LES_CORE_SMOOTHING_PRECONDITIONER_H

#include "edges.h"

#include <vector>

namespace pair_les {

// A long wave of charge costs 4 pi k_e rho / k^2 per charge, a short one little more than its hardness. So the inverse is
// small for long waves, as is that of the operator s (1 - a S) s with s_i = 1 / sqrt(curvature_i), where S smooths over the
// neighbours: S_ij = G(r_ij) / sqrt(n_i n_j), n_i = sum_j G(r_ij), G(0) = 1. The eigenvalues of S are within [-1, 1] whatever
// the neighbours, so that a < 1 keeps the operator positive definite. Against 1 / curvature alone it halves the iterations,
// and keeps them from growing with the box.
class SmoothingPreconditioner {
 public:
  // G(r) = exp(-r / length) (1 - r^2 / cutoff^2)^2 of the edges of the local nodes; `curvature` [n_local], eV/e^2.
  void build(const Graph &graph, const std::vector<double> &curvature, double length,
             double cutoff);

  // What the neighbours of local atom i have to know of its residual: it is copied to all images of the atom.
  double message(std::size_t i, double residual) const { return residual * message_scale_[i]; }

  // `message` [n_all], by atom index; `residual`, `correction` [n_local].
  void apply(const std::vector<double> &residual, const double *message,
             std::vector<double> &correction) const;

 private:
  static constexpr double STRENGTH = 0.99; // a

  std::vector<double> scale_;         // s_i
  std::vector<double> message_scale_; // s_i / sqrt(n_i)
  std::vector<std::size_t> first_;    // [n_local + 1] edges of a local node
  std::vector<int> neighbour_;        // atom index
  std::vector<double> weight_;        // G
};

} // namespace pair_les

#endif
