// SPDX-License-Identifier: MIT
// Functions of one number with their first two derivatives, on lanes: squash (net/activations.py), and SiLU = x / (1 + exp(-x)).

#ifndef PAIR_LES_CORE_FUSED_ACTIVATION_KERNELS_H
#define PAIR_LES_CORE_FUSED_ACTIVATION_KERNELS_H

#include "fused_kernels.h"

#include "core/simd/lanes.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <class Real> struct Exponent;
template <> struct Exponent<float> {
  using Integer = std::int32_t;
  static constexpr int mantissa = 23, bias = 127, terms = 7;
  // added to a number and taken off again, it leaves the nearest integer, which is also in the last bits of the sum
  static constexpr float to_integer = 12582912.0f, largest = 87.0f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};
template <> struct Exponent<double> {
  using Integer = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023, terms = 13;
  static constexpr double to_integer = 6755399441055744.0, largest = 708.0;
  static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
};

// exp(x), with |x| held below what a number can represent. exp(x) = 2^n exp(r), |r| <= log(2) / 2, where the first term left
// out of the series is below the rounding of 1.
template <class Real> inline Lanes<Real> exponential(const Lanes<Real> &number)
{
  using E = Exponent<Real>;
  using Bits = Lanes<typename E::Integer>;
  const auto most = broadcast(E::largest), least = broadcast(-E::largest);
  Lanes<Real> x = number > most ? most : number; // not a number stays what it is
  x = x < least ? least : x;
  const Lanes<Real> shifted = x * Real(1.44269504088896340736) + E::to_integer;
  const Lanes<Real> n = shifted - E::to_integer;
  const Lanes<Real> r = (x - n * E::ln2_high) - n * E::ln2_low;
  Lanes<Real> series = broadcast(Real(1));
  for (int k = E::terms; k >= 1; --k) series = Real(1) + series * r * Real(1.0 / k);
  Bits bits, zero;
  const Lanes<Real> nothing = broadcast(E::to_integer);
  __builtin_memcpy(&bits, &shifted, sizeof(bits));
  __builtin_memcpy(&zero, &nothing, sizeof(zero));
  bits = (bits - zero + E::bias) << E::mantissa;
  Lanes<Real> power;
  __builtin_memcpy(&power, &bits, sizeof(power));
  return series * power;
}

// z (1 + z^2)^(-1/4) of z = (x - mean) / spread
template <class Real> struct Squash {
  using V = Lanes<Real>;
  V z, root, fourth, factor; // (1 + z^2)^(-1/2), its square root, 1 / spread

  void set(const V &x, const V &mean, const V &inverse_spread)
  {
    factor = inverse_spread;
    z = (x - mean) * factor;
    root = Real(1) / square_root_lanes<Real>(Real(1) + z * z);
    fourth = square_root_lanes<Real>(root);
  }
  V value() const { return z * fourth; }
  V slope() const { return fourth * root * root * (Real(1) + Real(0.5) * z * z) * factor; }
  V curvature() const
  {
    const V square = root * root;
    return -fourth * square * square * z * (Real(1.5) + Real(0.25) * z * z) * factor * factor;
  }
};

template <class Real> struct Silu {
  using V = Lanes<Real>;
  V x, s; // the logistic function

  void set(const V &number, const V &, const V &)
  {
    x = number;
    s = Real(1) / (Real(1) + exponential<Real>(-x));
  }
  V value() const { return x * s; }
  V slope() const { return s * (Real(1) + x * (Real(1) - s)); }
  V curvature() const { return s * (Real(1) - s) * (Real(2) + x * (Real(1) - Real(2) * s)); }
};

// action(first element, lanes in use, function there) for all elements of rows begin .. end - 1
template <class Function, class Real, class Action>
inline void for_each_element(const Elements<Real> &elements, std::int64_t begin, std::int64_t end,
                             const Real *x, const Action &action)
{
  constexpr int width = width_of<Real>;
  Function at;
  const auto visit = [&](std::int64_t first, std::int64_t c, int n) {
    if (elements.mean)
      at.set(load_part(x + first, n), load_part(elements.mean + c, n),
             load_part(elements.inverse_spread + c, n));
    else
      at.set(load_part(x + first, n), Lanes<Real>{}, Lanes<Real>{});
    action(first, n, at);
  };
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t first = row * elements.n_columns;
    std::int64_t c = 0;
    for (; c + width <= elements.n_columns; c += width) visit(first + c, c, width);
    if (c < elements.n_columns) visit(first + c, c, static_cast<int>(elements.n_columns - c));
  }
}

template <template <class> class Function, class Real>
void activation_value(const Elements<Real> &elements, std::int64_t begin, std::int64_t end,
                      const Real *x, Real *y)
{
  for_each_element<Function<Real>>(
      elements, begin, end, x,
      [&](std::int64_t e, int n, const Function<Real> &at) { store_part(y + e, at.value(), n); });
}

template <template <class> class Function, class Real>
void activation_adjoint(const Elements<Real> &elements, std::int64_t begin, std::int64_t end,
                        const Real *x, const Real *adjoint, Real *x_adjoint)
{
  for_each_element<Function<Real>>(
      elements, begin, end, x, [&](std::int64_t e, int n, const Function<Real> &at) {
        store_part<Real>(x_adjoint + e, load_part(adjoint + e, n) * at.slope(), n);
      });
}

template <template <class> class Function, class Real>
void activation_tangents(const Elements<Real> &elements, std::int64_t begin, std::int64_t end,
                         const Real *x, const Real *adjoint, const Real *direction,
                         Real *adjoint_tangent, Real *x_tangent)
{
  for_each_element<Function<Real>>(
      elements, begin, end, x, [&](std::int64_t e, int n, const Function<Real> &at) {
        const Lanes<Real> u = load_part(direction + e, n);
        store_part<Real>(adjoint_tangent + e, u * at.slope(), n);
        store_part<Real>(x_tangent + e, u * load_part(adjoint + e, n) * at.curvature(), n);
      });
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
