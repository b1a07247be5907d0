// SPDX-License-Identifier: MIT
// Polynomials of densities of one atom and channel, and their gradient: terms of the same two first densities share the product
// of these. Compiled once per instruction set (CMakeLists.txt).

#include "kernel_tables.h"

#include "core/simd/lanes.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

// visit(output, i, j, first, last) for the terms first .. last - 1 of each result and pair of densities
template <class Real, class Visit>
inline void over_pairs(const Contraction<Real> &polynomials, const Visit &visit)
{
  const std::int64_t *const terms = polynomials.terms;
  for (int first = 0; first < polynomials.n_terms;) {
    const std::int64_t *const t = terms + 4 * first;
    int last = first + 1;
    while (last < polynomials.n_terms && terms[4 * last] == t[0] && terms[4 * last + 1] == t[1] &&
           terms[4 * last + 2] == t[2])
      ++last;
    visit(t[0], t[1], t[2], first, last);
    first = last;
  }
}

template <class Real> struct AtomDensities {
  using V = Lanes<Real>;
  V values[MAX_LM + 1];

  AtomDensities(const Contraction<Real> &polynomials, std::int64_t atom, std::int64_t c,
                const Real *densities)
  {
    for (int lm = 0; lm < polynomials.n_lm; ++lm)
      values[lm] = load(densities + (lm * polynomials.n_atoms + atom) * polynomials.n_channels + c);
    values[polynomials.n_lm] = broadcast(Real(1));
  }
};

template <class Real>
void contraction_forward(const Contraction<Real> &polynomials, std::int64_t begin, std::int64_t end,
                         const Real *densities, Real *results)
{
  using V = Lanes<Real>;
  const std::int64_t C = polynomials.n_channels;
  for (std::int64_t i = begin; i < end; ++i) {
    const Real *const coefficients =
        polynomials.coefficients + polynomials.species[i] * polynomials.n_terms * C;
    for (std::int64_t c = 0; c < C; c += width_of<Real>) {
      const AtomDensities<Real> a(polynomials, i, c, densities);
      V totals[MAX_LM] = {};
      over_pairs(polynomials, [&](auto output, auto first, auto second, int begin_, int end_) {
        V sum{};
        for (int t = begin_; t < end_; ++t)
          sum += load(coefficients + t * C + c) * a.values[polynomials.terms[4 * t + 3]];
        totals[output] += sum * (a.values[first] * a.values[second]);
      });
      for (int o = 0; o < polynomials.n_outputs; ++o)
        store(results + (o * polynomials.n_atoms + i) * C + c, totals[o]);
    }
  }
}

template <class Real>
void contraction_backward(const Contraction<Real> &polynomials, std::int64_t begin,
                          std::int64_t end, const Real *densities, const Real *adjoint,
                          Real *densities_adjoint)
{
  using V = Lanes<Real>;
  const std::int64_t C = polynomials.n_channels;
  for (std::int64_t i = begin; i < end; ++i) {
    const Real *const coefficients =
        polynomials.coefficients + polynomials.species[i] * polynomials.n_terms * C;
    for (std::int64_t c = 0; c < C; c += width_of<Real>) {
      const AtomDensities<Real> a(polynomials, i, c, densities);
      V g[MAX_LM], totals[MAX_LM + 1] = {};
      for (int o = 0; o < polynomials.n_outputs; ++o)
        g[o] = load(adjoint + (o * polynomials.n_atoms + i) * C + c);
      over_pairs(polynomials, [&](auto output, auto first, auto second, int begin_, int end_) {
        const V pair = g[output] * (a.values[first] * a.values[second]);
        V sum{};
        for (int t = begin_; t < end_; ++t) {
          const auto third = polynomials.terms[4 * t + 3];
          const V coefficient = load(coefficients + t * C + c);
          sum += coefficient * a.values[third];
          totals[third] += coefficient * pair;
        }
        sum = sum * g[output];
        totals[first] += sum * a.values[second];
        totals[second] += sum * a.values[first];
      });
      for (int lm = 0; lm < polynomials.n_lm; ++lm)
        store(densities_adjoint + (lm * polynomials.n_atoms + i) * C + c, totals[lm]);
    }
  }
}

} // namespace

template <class Real> ContractionKernels<Real> contraction_kernels()
{
  return {contraction_forward<Real>, contraction_backward<Real>};
}
template ContractionKernels<float> contraction_kernels();
template ContractionKernels<double> contraction_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
