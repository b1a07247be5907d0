// SPDX-License-Identifier: MIT
// One pair of the pair sum of split mode, on a number T: lanes of doubles (split_sum_kernels.cpp), or one double (split_table.cpp, kokkos/).
// With D(r) from split_table.h, E = 1/2 sum_{i != j} q_i q_j D(r_ij), r = x_i - x_j:
//   potential of i: q_j D(r);   force on i: -q_i q_j (dD/dr) r / |r|;   virial: force times r.

#ifndef PAIR_LES_CORE_SPLIT_FORMULAS_H
#define PAIR_LES_CORE_SPLIT_FORMULAS_H

#ifndef PAIR_LES_INSTRUCTION_SET
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name"
#endif
#ifndef PAIR_LES_FUNCTION // of a device that needs words of its own for them
#define PAIR_LES_FUNCTION inline
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// D in a piece of the table, c0 + c1 t + c2 t^2 + c3 t^3, and its derivative in t.
template <class T>
PAIR_LES_FUNCTION void table_value(const T &t, const T &c0, const T &c1, const T &c2, const T &c3,
                                   T &value, T &slope)
{
  value = c0 + t * (c1 + t * (c2 + t * c3));
  slope = c1 + t * (2.0 * c2 + t * (3.0 * c3));
}

// -2 q_i / step: the force on i is this times q_j slope r, because dD/dr / r = 2 slope / step.
PAIR_LES_FUNCTION double force_scale(double charge, double inverse_step)
{
  return -2.0 * inverse_step * charge;
}

// xx yy zz xy xz yz of a share of force times distance, added to w
template <class T>
PAIR_LES_FUNCTION void add_virial(double share, const T &fx, const T &fy, const T &fz, const T &x,
                                  const T &y, const T &z, T *w)
{
  const T sx = share * fx, sy = share * fy;
  w[0] += sx * x;
  w[1] += sy * y;
  w[2] += share * fz * z;
  w[3] += sx * y;
  w[4] += sx * z;
  w[5] += sy * z;
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
