// SPDX-License-Identifier: MIT
// An approximate inverse of the matrix of charge equilibration, from the edges of the network's graph.

#ifndef PAIR_LES_CORE_TRANSFER_PRECONDITIONER_H
#define PAIR_LES_CORE_TRANSFER_PRECONDITIONER_H

#include "edges.h"

#include <vector>

namespace pair_les {

// A wave of charge of wave number k costs 4 pi k_e rho / k^2 per charge, hundreds of eV/e^2 in a large box; moving charge
// between neighbors costs little more than their hardness. So charge answers a residual by flowing between neighbors,
// in proportion to the difference of their residuals:
//
//   correction_i = sum_j g_ij (residual_i - residual_j) + d_i residual_i
//   g_ij = m_i m_j G(r_ij),  m_i = 1 / sqrt(curvature_i n_i),  n_i = 1 + sum_j G(r_ij)
//
// whose response to a long wave is small like k^2, as that of the inverse. It is positive definite because every g and d
// is positive, and leaves alone what the constraint on the sum takes out anyway, a residual that is the same for all.
// d_i is little more than nothing, except for atoms with hardly a neighbor.
class TransferPreconditioner {
 public:
  // G(r) = exp(-r / length) (1 - r^2 / cutoff^2)^2 of the edges of the local nodes. `curvature` [n_local], eV/e^2; that of
  // an atom without neighbors is larger by `lone`.
  void build(const Graph &graph, const std::vector<double> &curvature, double length, double cutoff,
             double lone);

  // m_i [n_local]; then all m, by atom index, after they have been copied to the images of the atoms.
  const std::vector<double> &mobility() const { return mobility_; }
  void set_mobilities(const double *mobility);

  // m_i residual_i [n_local], to be copied to the images as well.
  double message(std::size_t i, double residual) const { return mobility_[i] * residual; }

  // `message` by atom index; `residual`, `correction` [n_local].
  void apply(const std::vector<double> &residual, const double *message,
             std::vector<double> &correction) const;

 private:
  double sum(std::size_t i, const double *of_neighbors) const; // of G(r_ij) times these

  std::vector<double> mobility_;   // m_i
  std::vector<double> diagonal_;   // d_i, then with sum_j g_ij
  std::vector<std::size_t> first_; // [n_local + 1] edges of a local node
  std::vector<int> neighbor_;      // atom index
  std::vector<double> weight_;     // G
};

} // namespace pair_les

#endif
