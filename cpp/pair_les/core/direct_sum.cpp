// SPDX-License-Identifier: MIT

#include "direct_sum.h"

#include <cmath>

namespace pair_les {

void direct_sum(const std::vector<double> &atoms, std::size_t first, std::size_t n_local,
                const LongRange &settings, PairSum &sum)
{
  sum.clear(n_local, PairSum::Virial::per_atom);
  const std::size_t n_all = atoms.size() / 4;

  for (std::size_t i = 0; i < n_local; ++i) {
    const double *const me = &atoms[4 * (first + i)];
    double *const f = &sum.force[3 * i];
    double *const w = &sum.virial[6 * i];
    for (std::size_t j = 0; j < n_all; ++j) {
      if (j == first + i) continue;
      const double *const other = &atoms[4 * j];
      const double d[3] = {me[0] - other[0], me[1] - other[1], me[2] - other[2]};
      const double r = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      const auto pair = smeared_coulomb(r, settings.sigma, settings.coulomb_constant);
      sum.potential[i] += other[3] * pair.value;
      const double force_over_r = (r > 0.0) ? -me[3] * other[3] * pair.derivative / r : 0.0;
      for (int k = 0; k < 3; ++k) {
        f[k] += force_over_r * d[k];
        w[k] += 0.5 * force_over_r * d[k] * d[k];
      }
      w[3] += 0.5 * force_over_r * d[0] * d[1];
      w[4] += 0.5 * force_over_r * d[0] * d[2];
      w[5] += 0.5 * force_over_r * d[1] * d[2];
    }
    for (std::size_t k = 0; k < 6; ++k) sum.total_virial[k] += w[k];
  }
}

} // namespace pair_les
