// SPDX-License-Identifier: MIT
// Born effective charges from gradients of the charges (docs/theory/response.md).
//
//   Z_i,ab = q_i delta_ab + sum_g h_ga sum_j L(s_jg - s_ig) dq_j/dr_ib
//   L(s) = sin(2 pi s) / (2 pi) along a periodic direction g, s_jg itself (not the difference) along any other
//
// h_g are the lattice vectors, s fractional coordinates; a is the direction of the polarization, b that of the
// displacement. In a strictly local model an edge belongs to one charge, so that G = d(sum_j q_j)/d edge_vectors holds every
// dq_j/dr_i there is: one vector-Jacobian product. With messages between atoms it takes six: the sine of a difference is
// a difference of products. Source: Zhong et al. 2025. Twin of python/pair_les/observables/born.py.

#ifndef PAIR_LES_CORE_BORN_H
#define PAIR_LES_CORE_BORN_H

#include "edges.h"

#include <array>

namespace pair_les {

struct Lattice {
  std::array<std::array<double, 3>, 3> vectors; // rows, angstrom; unit vectors where not periodic
  std::array<bool, 3> periodic;

  // fractional coordinates of x, 1/angstrom * angstrom; the lattice is lower triangular, as LAMMPS has it
  std::array<double, 3> fractional(const double *x) const;
};

// Averages over all atoms that a projection q_i - (Q - Q0)/N needs, one per direction g; zeros without projection.
struct MeanPhase {
  std::array<double, 3> cosine{}, sine{}; // of 2 pi s_g
  std::array<double, 3> coordinate{};     // s_g
};

// Adds the part of Z with dq/dr, [9 per atom index] row-major ab, to local atoms and ghosts; the caller sends that of the
// ghosts home and adds q_i delta_ab.
//   gradient  [n_edges * 3] d(sum_j q_j)/d edge_vectors, of a strictly local model
//   x         by atom index (Graph::atom), angstrom
//   mean      nullptr: charges are not projected on a total
void add_born_charges(const Graph &graph, const double *gradient, const double *const *x,
                      const Lattice &lattice, const MeanPhase *mean, double *born);

// One of the products that a model with messages between atoms needs instead.
struct BornProduct {
  int direction; // g
  enum Phase { SINE, COSINE } phase;

  // What q_j is weighted with: sin(2 pi s_jg) or cos(2 pi s_jg) over 2 pi; s_jg and 0 along directions that are not periodic.
  double weight(const Lattice &lattice, const double *x) const;

  // What multiplies the result at atom i: cos(2 pi s_ig) or -sin(2 pi s_ig); 1 and 0.
  double factor(const Lattice &lattice, const double *x) const;
};

// Adds one product, as add_born_charges() does; gradient = d(sum_j weight_j q_j)/d edge_vectors, where the mean of all
// weights has been subtracted if the charges are projected.
void add_born_product(const Graph &graph, const double *gradient, const double *const *x,
                      const Lattice &lattice, const BornProduct &product, double *born);

} // namespace pair_les

#endif
