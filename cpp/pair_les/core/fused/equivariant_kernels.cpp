// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "equivariant_kernels.h"

#include "degrees.h"
#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <class Real>
void equivariants_value(const Equivariants<Real> &tables, std::int64_t begin, std::int64_t end,
                        const Real *mixed, Real *invariants, Real *products)
{
  with_degrees(tables.l_max, tables.n_sent, [&](auto degree, auto sent) {
    equivariants_forward<degree.value, sent.value, ValueOps<Real>>(tables, begin, end, mixed,
                                                                   nullptr, invariants, products);
  });
}

template <class Real>
void equivariants_backward(const Equivariants<Real> &tables, std::int64_t begin, std::int64_t end,
                           const Real *mixed, const Real *invariants_adjoint,
                           const Real *products_adjoint, Real *mixed_adjoint)
{
  with_degrees(tables.l_max, tables.n_sent, [&](auto degree, auto sent) {
    equivariants_adjoint<degree.value, sent.value, ValueOps<Real>>(
        tables, begin, end, mixed, nullptr, invariants_adjoint, products_adjoint, mixed_adjoint);
  });
}

template <class Real>
void equivariants_double_backward(const Equivariants<Real> &tables, std::int64_t begin,
                                  std::int64_t end, const Real *mixed, const Real *direction,
                                  const Real *invariants_adjoint, const Real *products_adjoint,
                                  Real *invariants_tangent, Real *products_tangent,
                                  Real *mixed_tangent)
{
  with_degrees(tables.l_max, tables.n_sent, [&](auto degree, auto sent) {
    constexpr int L = degree.value, M = sent.value;
    equivariants_forward<L, M, DualOps<Real>>(tables, begin, end, mixed, direction,
                                              invariants_tangent, products_tangent);
    equivariants_adjoint<L, M, DualOps<Real>>(tables, begin, end, mixed, direction,
                                              invariants_adjoint, products_adjoint, mixed_tangent);
  });
}

} // namespace

template <class Real> EquivariantKernels<Real> equivariant_kernels()
{
  return {width_of<Real>, equivariants_value<Real>, equivariants_backward<Real>,
          equivariants_double_backward<Real>};
}
template EquivariantKernels<float> equivariant_kernels();
template EquivariantKernels<double> equivariant_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
