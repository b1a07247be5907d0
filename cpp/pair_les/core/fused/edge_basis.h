// SPDX-License-Identifier: MIT
// Radial functions and monomials of an edge: net/radial.py and net/angular.py. Formulas on Ops::T, which may be lanes of
// edges, dual numbers of them (dual.h), or one number of a device (kokkos/).

#ifndef PAIR_LES_CORE_FUSED_EDGE_BASIS_H
#define PAIR_LES_CORE_FUSED_EDGE_BASIS_H

#ifndef PAIR_LES_INSTRUCTION_SET
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name"
#endif
#ifndef PAIR_LES_FUNCTION // of a device that needs words of its own for them
#define PAIR_LES_FUNCTION inline
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

// sin(pi x) and cos(pi x) for 0 <= x <= 1, from the series of cosine and sine of pi (x - 1/2): |argument| <= pi / 2, where
// the first term left out is below 1e-17 (double) and 1e-8 (float). V: a number, or lanes of them.
template <class Real, class V>
PAIR_LES_FUNCTION void sine_cosine_of_pi(const V &x, V &sine, V &cosine)
{
  constexpr int terms = sizeof(Real) == 8 ? 11 : 7;
  const V t = (x - Real(0.5)) * Real(3.14159265358979323846);
  const V minus_square = -t * t;
  V c = V{} + Real(1), s = V{} + Real(1);
  for (int n = terms; n >= 1; --n) {
    c = Real(1) + c * minus_square * Real(1.0 / ((2 * n - 1) * (2 * n)));
    s = Real(1) + s * minus_square * Real(1.0 / ((2 * n) * (2 * n + 1)));
  }
  sine = c;
  cosine = -(t * s);
}

// Distance, unit vector, and what the radial functions B_k = sin(k pi x) / x (1 - x^2)^3, x = r / cutoff, are made of.
template <class Ops> struct RadialPart {
  using T = typename Ops::T;
  using Real = typename Ops::Real;
  T inverse_distance, x, y, z; // unit vector
  T sine, cosine, envelope, envelope_slope, wave;

  PAIR_LES_FUNCTION void set(const T &dx, const T &dy, const T &dz, Real cutoff)
  {
    const T r = Ops::root(dx * dx + dy * dy + dz * dz);
    inverse_distance = Ops::reciprocal(r);
    x = dx * inverse_distance;
    y = dy * inverse_distance;
    z = dz * inverse_distance;

    const T scaled = Ops::at_most(r * (Real(1) / cutoff), Real(1));
    const T inverse = Ops::reciprocal(scaled);
    const T inside = Ops::positive_part(Ops::constant(1) - scaled * scaled);
    const T inside2 = inside * inside;
    envelope = inside2 * inside * inverse; // f / x
    Ops::sine_cosine(scaled, sine, cosine);
    // (f / x)' = -6 (1 - x^2)^2 - f / x^2
    envelope_slope = (inside2 * Real(-6) - envelope * inverse) * Real(Real(1) / cutoff);
    wave = envelope * Real(Real(3.14159265358979323846) / cutoff);
  }

  // visit(k, B_k)
  template <class Visit> PAIR_LES_FUNCTION void each_value(int n_radial, const Visit &visit) const
  {
    const T twice = cosine * Real(2);
    T s = sine, s_before = Ops::zero();
    for (int k = 0; k < n_radial; ++k) {
      visit(k, s * envelope);
      const T s_next = twice * s - s_before;
      s_before = s;
      s = s_next;
    }
  }

  // visit(k, B_k, dB_k/dr)
  template <class Visit>
  PAIR_LES_FUNCTION void each_value_and_slope(int n_radial, const Visit &visit) const
  {
    const T twice = cosine * Real(2);
    T s = sine, s_before = Ops::zero(), c = cosine, c_before = Ops::constant(1);
    for (int k = 0; k < n_radial; ++k) {
      visit(k, s * envelope, c * wave * Real(k + 1) + s * envelope_slope);
      const T s_next = twice * s - s_before, c_next = twice * c - c_before;
      s_before = s;
      s = s_next;
      c_before = c;
      c = c_next;
    }
  }
};

inline constexpr int n_lm_of(int l_max)
{
  return (l_max + 1) * (l_max + 1);
}

// Monomials x^a y^b z^c of a unit vector in the order of net/angular.py: c = 0 by rising degree, then c = 1.
template <int L, class Ops>
PAIR_LES_FUNCTION void monomials(const typename Ops::T &x, const typename Ops::T &y,
                                 const typename Ops::T &z, typename Ops::T *m)
{
  constexpr int lower = (L + 1) * (L + 2) / 2;
  m[0] = Ops::constant(1);
  m[1] = x;
  m[2] = y;
  m[lower] = z;
  if constexpr (L >= 2) {
    m[3] = x * x;
    m[4] = x * y;
    m[5] = y * y;
    m[lower + 1] = z * x;
    m[lower + 2] = z * y;
  }
  if constexpr (L >= 3) {
    m[6] = x * m[3];
    m[7] = x * m[4];
    m[8] = x * m[5];
    m[9] = y * m[5];
    m[lower + 3] = z * m[3];
    m[lower + 4] = z * m[4];
    m[lower + 5] = z * m[5];
  }
}

// sum_p t_p grad m_p, with m from monomials()
template <int L, class Ops>
PAIR_LES_FUNCTION void monomial_gradient(const typename Ops::T *m, const typename Ops::T *t,
                                         typename Ops::T &gx, typename Ops::T &gy,
                                         typename Ops::T &gz)
{
  using T = typename Ops::T;
  using Real = typename Ops::Real;
  constexpr int lower = (L + 1) * (L + 2) / 2;
  const T x = m[1], y = m[2], z = m[lower];
  gx = t[1];
  gy = t[2];
  gz = t[lower];
  if constexpr (L >= 2) {
    gx += (x * t[3]) * Real(2) + y * t[4] + z * t[lower + 1];
    gy += (y * t[5]) * Real(2) + x * t[4] + z * t[lower + 2];
    gz += x * t[lower + 1] + y * t[lower + 2];
  }
  if constexpr (L >= 3) {
    const T xx = m[3], xy = m[4], yy = m[5];
    gx += (xx * t[6]) * Real(3) + (xy * t[7]) * Real(2) + yy * t[8];
    gy += (yy * t[9]) * Real(3) + (xy * t[8]) * Real(2) + xx * t[7];
    gx += z * ((x * t[lower + 3]) * Real(2) + y * t[lower + 4]);
    gy += z * ((y * t[lower + 5]) * Real(2) + x * t[lower + 4]);
    gz += xx * t[lower + 3] + xy * t[lower + 4] + yy * t[lower + 5];
  }
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
