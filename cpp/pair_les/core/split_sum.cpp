// SPDX-License-Identifier: MIT

#include "split_sum.h"

namespace pair_les {

void split_sum(const double *const *x, const double *charge, int n_local,
               const FullNeighborList &list, const SplitTable &table, double cutoff,
               bool want_virial, PairSum &sum)
{
  sum.clear(static_cast<std::size_t>(n_local), want_virial);
  const double cutoff_squared = cutoff * cutoff;

  for (int ii = 0; ii < list.n_centres; ++ii) {
    const int i = list.centres[ii];
    const double xi = x[i][0], yi = x[i][1], zi = x[i][2], qi = charge[i];
    const int *const neighbours = list.neighbours[i];
    double phi = 0.0, fx = 0.0, fy = 0.0, fz = 0.0;

    for (int k = 0; k < list.n_neighbours[i]; ++k) {
      const int j = neighbours[k] & list.index_mask;
      if (j < i) continue; // a local pair, done from the other side (ghosts come last)
      const double dx = xi - x[j][0], dy = yi - x[j][1], dz = zi - x[j][2];
      const double r_squared = dx * dx + dy * dy + dz * dz;
      if (r_squared >= cutoff_squared) continue;

      const auto d = table(r_squared);
      const double pair = -qi * charge[j] * d.derivative; // |force| / r
      phi += charge[j] * d.value;
      fx += pair * dx;
      fy += pair * dy;
      fz += pair * dz;
      if (j < n_local) {
        sum.potential[j] += qi * d.value;
        sum.force[3 * j] -= pair * dx;
        sum.force[3 * j + 1] -= pair * dy;
        sum.force[3 * j + 2] -= pair * dz;
      }
      if (!want_virial) continue;
      const double half[6] = {0.5 * pair * dx * dx, 0.5 * pair * dy * dy, 0.5 * pair * dz * dz,
                              0.5 * pair * dx * dy, 0.5 * pair * dx * dz, 0.5 * pair * dy * dz};
      for (int c = 0; c < 6; ++c) sum.virial[6 * i + c] += half[c];
      if (j < n_local)
        for (int c = 0; c < 6; ++c) sum.virial[6 * j + c] += half[c];
    }
    sum.potential[i] += phi;
    sum.force[3 * i] += fx;
    sum.force[3 * i + 1] += fy;
    sum.force[3 * i + 2] += fz;
  }
}

} // namespace pair_les
