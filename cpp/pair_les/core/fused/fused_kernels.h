// SPDX-License-Identifier: MIT
// The fused kernels, compiled once per instruction set; which of them this processor runs is found at run time.

#ifndef PAIR_LES_CORE_FUSED_FUSED_KERNELS_H
#define PAIR_LES_CORE_FUSED_FUSED_KERNELS_H

#include <cstdint>

namespace pair_les {

// Largest sizes the kernels have room for on their stacks.
inline constexpr int MAX_L = 3;
inline constexpr int MAX_LM = (MAX_L + 1) * (MAX_L + 1);
inline constexpr int MAX_RADIAL = 64;

// Edges of a range of centers. Those of center i are first[i] .. first[i + 1] - 1.
template <class Real> struct DensityEdges {
  const Real *vectors;         // [n_edges, 3] angstrom
  const std::int64_t *first;   // [n_local + 1]
  const std::int64_t *species; // [n_edges] species of the neighbor
  const Real *harmonics;       // [n_lm, n_lm] monomials to harmonics
  std::int64_t n_local;
  int n_species, n_radial, l_max;
  Real cutoff;
};

// `scratch` is room for density_scratch_size() elements; begin .. end - 1 are the centers to do. Densities and their
// adjoints are [n_lm, n_local, n_species * n_radial].
template <class Real> struct DensityKernels {
  void (*forward)(const DensityEdges<Real> &, std::int64_t begin, std::int64_t end, Real *scratch,
                  Real *density);
  // adjoint of the edge vectors from that of the density
  void (*backward)(const DensityEdges<Real> &, std::int64_t begin, std::int64_t end, Real *scratch,
                   const Real *adjoint, Real *vector_adjoint);
  // Derivative of sum(direction * vector_adjoint): to the adjoint ([n_lm, n_local, ...]) and to the vectors (may be null).
  void (*double_backward)(const DensityEdges<Real> &, std::int64_t begin, std::int64_t end,
                          Real *scratch, const Real *adjoint, const Real *direction,
                          Real *density_tangent, Real *vector_tangent);
};

template <class Real> inline std::int64_t density_scratch_size(const DensityEdges<Real> &edges)
{
  constexpr std::int64_t most_lanes = 16;
  return MAX_LM * (2 * edges.n_species * edges.n_radial + most_lanes);
}

// Quadrature of net/products.py. Mixed densities are [n_lm, n_atoms, n_channels], invariants
// [n_atoms, n_products * n_channels].
template <class Real> struct Products {
  const Real *even, *odd, *weights; // [n_points, n_even], [n_points, n_odd], [n_points]
  int n_points, l_max, body_order;
  std::int64_t n_atoms, n_channels;
};

template <class Real> struct ProductKernels {
  void (*forward)(const Products<Real> &, std::int64_t begin, std::int64_t end, const Real *mixed,
                  Real *invariants);
  void (*backward)(const Products<Real> &, std::int64_t begin, std::int64_t end, const Real *mixed,
                   const Real *adjoint, Real *mixed_adjoint);
  // Derivative of sum(direction * mixed_adjoint): to the adjoint and to the mixed density.
  void (*double_backward)(const Products<Real> &, std::int64_t begin, std::int64_t end,
                          const Real *mixed, const Real *adjoint, const Real *direction,
                          Real *invariants_tangent, Real *mixed_tangent);
};

// Sums of net/messages.py, [n_lm, n_local, 2 * n_channels], over edges as those of DensityEdges. The number of channels is a
// multiple of MessageKernels::lanes.
template <class Real> struct MessageEdges {
  const Real *vectors;          // [n_edges, 3] angstrom
  const std::int64_t *first;    // [n_local + 1]
  const std::int64_t *neighbor; // [n_edges]
  const Real *messages;         // [n_atoms, n_sent, n_channels]
  const Real *weights;          // [n_radial, l_max + 2, n_channels]
  const Real *harmonics;        // [n_lm, n_lm] monomials to harmonics
  std::int64_t n_local;
  int n_sent, n_channels, n_radial, l_max;
  Real cutoff;
};

// Of edge vectors, messages and weights, in their shapes.
template <class Real> struct MessageDirection {
  const Real *vectors, *messages, *weights;
};
template <class Real> struct MessageAdjoint {
  Real *vectors;  // written
  Real *messages; // added to, whoever the sender is
  Real *weights;  // added to; may be null
};

template <class Real> struct MessageKernels {
  int lanes;
  void (*forward)(const MessageEdges<Real> &, std::int64_t begin, std::int64_t end, Real *sums);
  void (*backward)(const MessageEdges<Real> &, std::int64_t begin, std::int64_t end,
                   const Real *adjoint, const MessageAdjoint<Real> &);
  // Derivative along a direction of the sums, and of what backward() gives at constant `adjoint`.
  void (*tangent)(const MessageEdges<Real> &, std::int64_t begin, std::int64_t end,
                  const MessageDirection<Real> &, Real *sums_tangent);
  void (*adjoint_tangent)(const MessageEdges<Real> &, std::int64_t begin, std::int64_t end,
                          const MessageDirection<Real> &, const Real *adjoint,
                          const MessageAdjoint<Real> &);
};

// Quadrature of net/equivariants.py. Mixed densities as for Products; invariants [n_atoms, (l_max + 3) * n_channels],
// products [n_sent, n_atoms, 3 * n_channels]. The number of channels is a multiple of EquivariantKernels::lanes.
template <class Real> struct Equivariants {
  const Real *even, *odd; // [n_points, n_even], [n_points, n_odd]
  const Real *even_back,
      *odd_back; // [n_even, n_points], [n_odd, n_points] of the degrees that are sent
  int n_points, l_max, n_sent;
  std::int64_t n_atoms, n_channels;
};

// `products` and `products_adjoint` may be null.
template <class Real> struct EquivariantKernels {
  int lanes;
  void (*forward)(const Equivariants<Real> &, std::int64_t begin, std::int64_t end,
                  const Real *mixed, Real *invariants, Real *products);
  void (*backward)(const Equivariants<Real> &, std::int64_t begin, std::int64_t end,
                   const Real *mixed, const Real *invariants_adjoint, const Real *products_adjoint,
                   Real *mixed_adjoint);
  // Derivative of sum(direction * mixed_adjoint): to both adjoints and to the mixed density.
  void (*double_backward)(const Equivariants<Real> &, std::int64_t begin, std::int64_t end,
                          const Real *mixed, const Real *direction, const Real *invariants_adjoint,
                          const Real *products_adjoint, Real *invariants_tangent,
                          Real *products_tangent, Real *mixed_tangent);
};

// Sums of convert/fused/convolution.py, [n_rows, n_local, n_channels], over edges as those of DensityEdges. Paths follow one
// another in `couplings`, their entries by function received, then by function sent, and in n_rows by function received.
template <class Real> struct ConvolutionEdges {
  const Real *vectors;               // [n_edges, 3] angstrom
  const std::int64_t *first;         // [n_local + 1]
  const std::int64_t *neighbor;      // [n_edges]
  const std::int64_t *table_of_edge; // [n_edges]; null: one table for all
  const Real *messages;              // [n_atoms, n_sent, n_channels]
  const Real *table;                 // [n_tables, n_knots, TABLE_ROWS / 2, n_paths, n_channels]
  const Real *couplings;             // [n_entries, n_lm] of monomials
  const std::int64_t *degrees;       // [n_paths, 2] sent, received
  std::int64_t n_local, n_channels;
  int n_sent, n_paths, n_knots, n_entries, n_rows, l_max;
  Real cutoff;
};

// Rows of a table that an edge meets: value and three derivatives at two knots.
inline constexpr int TABLE_ROWS = 8;
// Edges of a center that are looked at together.
inline constexpr int MOST_EDGES = 32;

// `scratch` is room for convolution_scratch_size() elements. The number of channels is a multiple of 16.
template <class Real> struct ConvolutionKernels {
  void (*forward)(const ConvolutionEdges<Real> &, std::int64_t begin, std::int64_t end,
                  Real *scratch, Real *sums);
  // adjoints of the vectors (written) and of the messages (added to, whoever the sender is; may be null)
  void (*backward)(const ConvolutionEdges<Real> &, std::int64_t begin, std::int64_t end,
                   Real *scratch, const Real *adjoint, Real *vectors, Real *messages);
};

template <class Real>
inline std::int64_t convolution_scratch_size(const ConvolutionEdges<Real> &edges)
{
  return edges.n_rows * edges.n_channels + 2 * edges.n_entries * MOST_EDGES;
}

// Polynomials of convert/fused/contraction.py: densities [n_lm, n_atoms, n_channels], results [n_outputs, n_atoms, n_channels].
// A term is a coefficient times up to three densities; number n_lm stands for the factor 1.
template <class Real> struct Contraction {
  const Real *coefficients;  // [n_species, n_terms, n_channels]
  const std::int64_t *terms; // [n_terms, 4] result, and three densities; sorted by the first three
  const std::int64_t *species; // [n_atoms]
  std::int64_t n_atoms, n_channels;
  int n_lm, n_terms, n_outputs;
};

template <class Real> struct ContractionKernels {
  void (*forward)(const Contraction<Real> &, std::int64_t begin, std::int64_t end,
                  const Real *densities, Real *results);
  void (*backward)(const Contraction<Real> &, std::int64_t begin, std::int64_t end,
                   const Real *densities, const Real *adjoint, Real *densities_adjoint);
};

// A function of each element of rows of n_columns. `mean` and `inverse_spread` [n_columns]: of those that standardise first.
template <class Real> struct Elements {
  const Real *mean, *inverse_spread;
  std::int64_t n_columns;
};

// y = f(x) for rows begin .. end - 1 of arrays [n_rows, n_columns].
template <class Real> struct ActivationKernels {
  void (*forward)(const Elements<Real> &, std::int64_t begin, std::int64_t end, const Real *x,
                  Real *y);
  void (*backward)(const Elements<Real> &, std::int64_t begin, std::int64_t end, const Real *x,
                   const Real *adjoint, Real *x_adjoint);
  // Derivative of sum(direction * x_adjoint): to the adjoint and to x.
  void (*double_backward)(const Elements<Real> &, std::int64_t begin, std::int64_t end,
                          const Real *x, const Real *adjoint, const Real *direction,
                          Real *adjoint_tangent, Real *x_tangent);
};

template <class Real> struct FusedKernels {
  DensityKernels<Real> density;
  ProductKernels<Real> products;
  MessageKernels<Real> messages;
  EquivariantKernels<Real> equivariants;
  ConvolutionKernels<Real> convolution;
  ContractionKernels<Real> contraction;
  ActivationKernels<Real> squash, silu;
};

// Those of core/simd/instruction_set.h; throws as it does.
template <class Real> const FusedKernels<Real> &fused_kernels();

namespace baseline {
template <class Real> const FusedKernels<Real> &kernels();
}
namespace avx2 {
template <class Real> const FusedKernels<Real> &kernels();
}
namespace avx512 {
template <class Real> const FusedKernels<Real> &kernels();
}

} // namespace pair_les

#endif
