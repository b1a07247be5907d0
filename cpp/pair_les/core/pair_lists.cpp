// SPDX-License-Identifier: MIT

#include "pair_lists.h"

namespace pair_les {

namespace {

bool nearer(const double *a, const double *b, double reach_squared)
{
  const double dx = a[0] - b[0], dy = a[1] - b[1], dz = a[2] - b[2];
  return dx * dx + dy * dy + dz * dz < reach_squared;
}

template <class... Vectors> double bytes_of(const Vectors &...vectors)
{
  return (... +
          (static_cast<double>(sizeof(vectors[0])) * static_cast<double>(vectors.capacity())));
}

} // namespace

void TrimmedList::build(const double *const *x, const FullNeighborList &list, double reach)
{
  centers_.assign(list.centers, list.centers + list.n_centers);
  entries_.clear();
  first_.clear();
  int last = -1;
  for (const int i : centers_) last = i > last ? i : last;
  n_neighbors_.assign(static_cast<std::size_t>(last + 1), 0);
  neighbors_.assign(static_cast<std::size_t>(last + 1), nullptr);

  for (const int i : centers_) {
    first_.push_back(entries_.size());
    for (int k = 0; k < list.n_neighbors[i]; ++k) {
      const int j = list.neighbors[i][k] & list.index_mask;
      if (nearer(x[i], x[j], reach * reach)) entries_.push_back(j);
    }
    n_neighbors_[static_cast<std::size_t>(i)] = static_cast<int>(entries_.size() - first_.back());
  }
  for (std::size_t c = 0; c < centers_.size(); ++c)
    neighbors_[static_cast<std::size_t>(centers_[c])] = entries_.data() + first_[c];
}

FullNeighborList TrimmedList::view() const
{
  constexpr int every_bit = ~0;
  return {static_cast<int>(centers_.size()), centers_.data(), n_neighbors_.data(),
          neighbors_.data(), every_bit};
}

double TrimmedList::bytes() const
{
  return bytes_of(centers_, entries_, n_neighbors_, neighbors_, first_);
}

void PairList::build(const double *const *x, int n_local, const FullNeighborList &list,
                     double reach)
{
  center.assign(list.centers, list.centers + list.n_centers);
  partner.clear();
  local.clear();
  ghost.clear();
  end.clear();

  for (const int i : center) {
    local.push_back(partner.size());
    for (int k = 0; k < list.n_neighbors[i]; ++k) {
      const int j = list.neighbors[i][k] & list.index_mask;
      if (j > i && j < n_local && nearer(x[i], x[j], reach * reach)) partner.push_back(j);
    }
    ghost.push_back(partner.size());
    for (int k = 0; k < list.n_neighbors[i]; ++k) {
      const int j = list.neighbors[i][k] & list.index_mask;
      if (j >= n_local && nearer(x[i], x[j], reach * reach)) partner.push_back(j);
    }
    end.push_back(partner.size());
  }
}

double PairList::bytes() const
{
  return bytes_of(center, partner, local, ghost, end);
}

} // namespace pair_les
