// SPDX-License-Identifier: MIT
// What the density operators take, checked.

#ifndef PAIR_LES_CORE_FUSED_NEIGHBOURHOOD_H
#define PAIR_LES_CORE_FUSED_NEIGHBOURHOOD_H

#include "edge_offsets.h"
#include "fused_kernels.h"

#include <ATen/ATen.h>

#include <vector>

namespace pair_les {

struct Neighbourhood {
  at::Tensor vectors, centre, species, harmonics;
  std::int64_t n_local, n_species;
  double cutoff;
  std::int64_t n_radial;
  std::vector<std::int64_t> first = {};

  // shapes and types; the elements are looked at where they are read
  void check()
  {
    const auto n_edges = vectors.size(0);
    TORCH_CHECK(vectors.dim() == 2 && vectors.size(1) == 3,
                "density: edge_vectors must be [n_edges, 3], not ", vectors.sizes());
    TORCH_CHECK(centre.scalar_type() == at::kLong && centre.numel() == n_edges,
                "density: centre must be int64 [n_edges]");
    TORCH_CHECK(species.scalar_type() == at::kLong && species.numel() == n_edges,
                "density: neighbour_species must be int64 [n_edges]");
    TORCH_CHECK(harmonics.scalar_type() == vectors.scalar_type(), "density: harmonics is ",
                harmonics.scalar_type(), " but edge_vectors are ", vectors.scalar_type());
    TORCH_CHECK(harmonics.dim() == 2 && harmonics.size(0) == harmonics.size(1) && l_max() > 0,
                "density: harmonics must be 4 x 4, 9 x 9 or 16 x 16, not ", harmonics.sizes());
    TORCH_CHECK(n_radial >= 1 && n_radial <= MAX_RADIAL, "density: n_radial = ", n_radial,
                ": must be 1 to ", MAX_RADIAL);
    vectors = vectors.contiguous();
    centre = centre.contiguous();
    species = species.contiguous();
    harmonics = harmonics.contiguous();
  }

  // first edge of each centre, in the memory of the host
  void index()
  {
    first = first_edges("density", centre, n_local, "neighbour_species", species, n_species);
  }

  int l_max() const
  {
    const auto n = harmonics.size(0);
    return n == 4 ? 1 : n == 9 ? 2 : n == 16 ? 3 : 0;
  }

  std::vector<std::int64_t> density_shape() const
  {
    return {harmonics.size(0), n_local, n_species * n_radial};
  }

  template <class Real> DensityEdges<Real> edges(const std::int64_t *first_of_centre) const
  {
    return {
        vectors.const_data_ptr<Real>(),   first_of_centre, species.const_data_ptr<std::int64_t>(),
        harmonics.const_data_ptr<Real>(), n_local,         static_cast<int>(n_species),
        static_cast<int>(n_radial),       l_max(),         static_cast<Real>(cutoff)};
  }
};

} // namespace pair_les

#endif
