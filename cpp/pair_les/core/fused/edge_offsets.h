// SPDX-License-Identifier: MIT
// Where the edges of each center begin in a list that is sorted by center, in the memory of the host.

#ifndef PAIR_LES_CORE_FUSED_EDGE_OFFSETS_H
#define PAIR_LES_CORE_FUSED_EDGE_OFFSETS_H

#include <ATen/ATen.h>

namespace pair_les {

// First edge of each of n_local centers, and the number of edges: int64 [n_local + 1]. Checks the order of `center`, and that
// `ends` (int64 of the same length, `ends_name` in messages of the operator `name`) are from 0 to n_ends - 1.
inline at::Tensor edge_offsets(const char *name, const at::Tensor &center, std::int64_t n_local,
                               const char *ends_name, const at::Tensor &ends, std::int64_t n_ends)
{
  const auto n_edges = center.numel();
  const auto offsets = at::empty({n_local + 1}, center.options());
  auto *const first = offsets.data_ptr<std::int64_t>();
  const auto *c = center.const_data_ptr<std::int64_t>();
  const auto *end = ends.const_data_ptr<std::int64_t>();
  std::int64_t next = 0; // centers below it have their first edge
  for (std::int64_t e = 0; e < n_edges; ++e) {
    TORCH_CHECK(c[e] >= 0 && c[e] >= next - 1 && c[e] < n_local, name, ": center[", e, "] = ", c[e],
                ": centers must be sorted, not negative and below n_local = ", n_local);
    TORCH_CHECK(end[e] >= 0 && end[e] < n_ends, name, ": ", ends_name, "[", e, "] = ", end[e],
                ": must be from 0 to ", n_ends - 1);
    while (next <= c[e]) first[next++] = e;
  }
  while (next <= n_local) first[next++] = n_edges;
  return offsets;
}

// Largest degree of harmonics of which there are n, (l_max + 1)^2; 0 if the kernels have none for it.
inline int l_max_of(std::int64_t n)
{
  return n == 4 ? 1 : n == 9 ? 2 : n == 16 ? 3 : 0;
}

} // namespace pair_les

#endif
