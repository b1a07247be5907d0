// SPDX-License-Identifier: MIT

#include "padding.h"

#include <algorithm>
#include <cmath>

namespace pair_les {

namespace {

constexpr std::int64_t PER_SPECIES = 2;
constexpr std::int64_t GHOSTS = 2; // after the real ones: always more atoms than local atoms
constexpr double DIRECTION[3] = {1.0, 2.0, 3.0};

} // namespace

Padding::Padding(const Metadata &metadata, torch::ScalarType dtype)
{
  const auto n = PER_SPECIES * static_cast<std::int64_t>(metadata.species.size());
  species_ = torch::empty({n}, torch::kInt64);
  ghosts_ = torch::zeros({GHOSTS}, torch::kInt64);
  edge_index_ = torch::empty({2, n * n}, torch::kInt64);
  auto vectors = torch::empty({n * n, 3}, torch::kFloat64);

  // the short ones are within the radii of a repulsion of nuclei
  const double length[2] = {std::min(0.5, 0.25 * metadata.cutoff), 0.75 * metadata.cutoff};
  const double norm = std::sqrt(14.0);
  auto *species = species_.data_ptr<std::int64_t>();
  auto *center = edge_index_.data_ptr<std::int64_t>(), *neighbor = center + n * n;
  auto *vector = vectors.data_ptr<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    species[i] = i / PER_SPECIES;
    for (std::int64_t j = 0; j < n; ++j) {
      *center++ = i;
      *neighbor++ = j;
      for (const double component : DIRECTION)
        *vector++ = length[(i + j) % PER_SPECIES] * component / norm;
    }
  }
  edge_vectors_ = vectors.to(dtype);
}

std::vector<torch::Tensor> Padding::padded(const torch::Tensor &species,
                                           const torch::Tensor &edge_index,
                                           const torch::Tensor &edge_vectors,
                                           std::int64_t n_local) const
{
  const auto all = torch::cat({species_, species, ghosts_});
  return {all, all.narrow(0, 0, n_atoms() + n_local),
          torch::cat({edge_index_, edge_index + n_atoms()}, 1),
          torch::cat({edge_vectors_, edge_vectors})};
}

torch::Tensor Padding::padded_rows(const torch::Tensor &received) const
{
  return torch::cat({received.new_zeros({n_atoms(), received.size(1)}), received,
                     received.new_zeros({GHOSTS, received.size(1)})});
}

} // namespace pair_les
