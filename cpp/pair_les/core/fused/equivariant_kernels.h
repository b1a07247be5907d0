// SPDX-License-Identifier: MIT
// The products of net/equivariants.py and the invariants made from them, their adjoint, and the derivative of the adjoint,
// on lanes of channels.

#ifndef PAIR_LES_CORE_FUSED_EQUIVARIANT_KERNELS_H
#define PAIR_LES_CORE_FUSED_EQUIVARIANT_KERNELS_H

#include "message_kernels.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// lm of the rows of even and of odd degrees
inline constexpr int EVEN_LM[] = {0, 4, 5, 6, 7, 8},
                     ODD_LM[] = {1, 2, 3, 9, 10, 11, 12, 13, 14, 15};

inline constexpr int n_even_of(int n_lm)
{
  return n_lm >= 9 ? 6 : 1;
}

template <int L, int SENT, class Ops> struct EquivariantFormulas {
  using T = typename Ops::T;
  using V = typename Ops::V;
  using Real = typename Ops::Real;
  static constexpr int n_lm = n_lm_of(L), n_even = n_even_of(n_lm), n_odd = n_lm - n_even;
  static constexpr int n_sent = n_lm_of(SENT), even_sent = n_even_of(n_sent),
                       odd_sent = n_sent - even_sent;
  const Equivariants<Real> &tables;

  // u = e + o at a point
  void at_point(const T *f, int point, T &e, T &o) const
  {
    const Real *const even = tables.even + point * n_even, *const odd = tables.odd + point * n_odd;
    e = f[0] * even[0];
    for (int n = 1; n < n_even; ++n) e += f[EVEN_LM[n]] * even[n];
    o = f[ODD_LM[0]] * odd[0];
    for (int n = 1; n < n_odd; ++n) o += f[ODD_LM[n]] * odd[n];
  }

  // <u^2 Y_lm> and <u^3 Y_lm>
  void projections(const T *f, T *square, T *cube) const
  {
    for (int lm = 0; lm < n_sent; ++lm) square[lm] = cube[lm] = Ops::zero();
    for (int g = 0; g < tables.n_points; ++g) {
      T e, o;
      at_point(f, g, e, o);
      const T ee = e * e, oo = o * o, eo = (e * o) * Real(2), sum = ee + oo;
      const T even_cube = e * (ee + oo * Real(3)), odd_cube = o * (oo + ee * Real(3));
      for (int n = 0; n < even_sent; ++n) {
        const Real c = tables.even_back[n * tables.n_points + g];
        square[EVEN_LM[n]] += sum * c;
        cube[EVEN_LM[n]] += even_cube * c;
      }
      for (int n = 0; n < odd_sent; ++n) {
        const Real c = tables.odd_back[n * tables.n_points + g];
        square[ODD_LM[n]] += eo * c;
        cube[ODD_LM[n]] += odd_cube * c;
      }
    }
  }

  // F_00; mean_m F_lm^2 for l >= 1; <u^3>; mean_lm <u^2 Y_lm>^2
  void invariants(const T *f, const T *square, const T *cube, T *x) const
  {
    x[0] = f[0];
    for (int l = 1; l <= L; ++l) {
      T sum = Ops::zero();
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm) sum += f[lm] * f[lm];
      x[l] = sum * Real(Real(1) / (2 * l + 1));
    }
    x[L + 1] = cube[0];
    T sum = Ops::zero();
    for (int lm = 0; lm < n_sent; ++lm) sum += square[lm] * square[lm];
    x[L + 2] = sum * Real(Real(1) / n_sent);
  }

  // Adjoint of f from adjoints of the invariants, a, and of (f, square, cube) [n_sent, 3], b: constants here.
  void adjoint(const T *f, const V *a, const V *b, T *result) const
  {
    T square[n_lm], cube[n_lm], of_square[n_lm], of_cube[n_lm];
    projections(f, square, cube);
    const V per_square = a[L + 2] * Real(Real(2) / n_sent);
    for (int lm = 0; lm < n_sent; ++lm) {
      of_square[lm] = plus(scaled<Ops>(per_square, square[lm]), b[3 * lm + 1]);
      of_cube[lm] = plus(Ops::zero(), b[3 * lm + 2]);
    }
    of_cube[0] = plus(of_cube[0], a[L + 1]);

    for (int lm = 0; lm < n_lm; ++lm) result[lm] = Ops::zero();
    result[0] = plus(result[0], a[0]);
    for (int l = 1; l <= L; ++l)
      for (int lm = l * l; lm < (l + 1) * (l + 1); ++lm)
        result[lm] = scaled<Ops>(a[l] * Real(Real(2) / (2 * l + 1)), f[lm]);
    for (int lm = 0; lm < n_sent; ++lm) result[lm] = plus(result[lm], b[3 * lm]);

    for (int g = 0; g < tables.n_points; ++g) {
      T e, o, even_square = Ops::zero(), even_cube = even_square, odd_square = even_square,
              odd_cube = even_square;
      at_point(f, g, e, o);
      for (int n = 0; n < even_sent; ++n) {
        const Real c = tables.even_back[n * tables.n_points + g];
        even_square += of_square[EVEN_LM[n]] * c;
        even_cube += of_cube[EVEN_LM[n]] * c;
      }
      for (int n = 0; n < odd_sent; ++n) {
        const Real c = tables.odd_back[n * tables.n_points + g];
        odd_square += of_square[ODD_LM[n]] * c;
        odd_cube += of_cube[ODD_LM[n]] * c;
      }
      const T sum = (e * e + o * o) * Real(3), both = (e * o) * Real(6);
      const T de = (even_square * e + odd_square * o) * Real(2) + even_cube * sum + odd_cube * both;
      const T d_o =
          (even_square * o + odd_square * e) * Real(2) + even_cube * both + odd_cube * sum;
      const Real *const even = tables.even + g * n_even, *const odd = tables.odd + g * n_odd;
      for (int n = 0; n < n_even; ++n) result[EVEN_LM[n]] += de * even[n];
      for (int n = 0; n < n_odd; ++n) result[ODD_LM[n]] += d_o * odd[n];
    }
  }

  static T plus(const T &x, const V &constant)
  {
    if constexpr (Ops::dual)
      return {x.value + constant, x.tangent};
    else
      return x + constant;
  }
};

// Values (Ops = ValueOps) or tangents along `direction` (DualOps); any target may be null.
template <int L, int SENT, class Ops>
void equivariants_forward(const Equivariants<typename Ops::Real> &tables, std::int64_t begin,
                          std::int64_t end, const typename Ops::Real *mixed,
                          const typename Ops::Real *direction, typename Ops::Real *invariants,
                          typename Ops::Real *products)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L), n_sent = n_lm_of(SENT);
  const EquivariantFormulas<L, SENT, Ops> formulas{tables};
  const auto C = tables.n_channels;
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t c = 0; c < C; c += width) {
      T f[n_lm], square[n_lm], cube[n_lm], x[L + 3];
      for (int lm = 0; lm < n_lm; ++lm)
        f[lm] = load_number<Ops>(mixed, direction, (lm * tables.n_atoms + i) * C + c);
      formulas.projections(f, square, cube);
      formulas.invariants(f, square, cube, x);
      for (int p = 0; p < L + 3; ++p)
        store(invariants + (i * (L + 3) + p) * C + c, wanted<Ops>(x[p]));
      if (!products) continue;
      for (int lm = 0; lm < n_sent; ++lm) {
        Real *const row = products + (lm * tables.n_atoms + i) * 3 * C + c;
        store(row, wanted<Ops>(f[lm]));
        store(row + C, wanted<Ops>(square[lm]));
        store(row + 2 * C, wanted<Ops>(cube[lm]));
      }
    }
}

template <int L, int SENT, class Ops>
void equivariants_adjoint(const Equivariants<typename Ops::Real> &tables, std::int64_t begin,
                          std::int64_t end, const typename Ops::Real *mixed,
                          const typename Ops::Real *direction,
                          const typename Ops::Real *invariants_adjoint,
                          const typename Ops::Real *products_adjoint, typename Ops::Real *result)
{
  using Real = typename Ops::Real;
  using T = typename Ops::T;
  using V = typename Ops::V;
  constexpr int width = width_of<Real>, n_lm = n_lm_of(L), n_sent = n_lm_of(SENT);
  const EquivariantFormulas<L, SENT, Ops> formulas{tables};
  const auto C = tables.n_channels;
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t c = 0; c < C; c += width) {
      T f[n_lm], of_f[n_lm];
      V a[L + 3], b[3 * n_lm] = {};
      for (int lm = 0; lm < n_lm; ++lm)
        f[lm] = load_number<Ops>(mixed, direction, (lm * tables.n_atoms + i) * C + c);
      for (int p = 0; p < L + 3; ++p) a[p] = load(invariants_adjoint + (i * (L + 3) + p) * C + c);
      for (int r = 0; products_adjoint && r < 3 * n_sent; ++r)
        b[r] = load(products_adjoint + ((r / 3) * tables.n_atoms + i) * 3 * C + (r % 3) * C + c);
      formulas.adjoint(f, a, b, of_f);
      for (int lm = 0; lm < n_lm; ++lm)
        store(result + (lm * tables.n_atoms + i) * C + c, wanted<Ops>(of_f[lm]));
    }
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
