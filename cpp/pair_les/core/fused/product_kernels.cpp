// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "product_kernels.h"

#include "degrees.h"
#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <class Real>
void products_forward(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                      const Real *mixed, Real *invariants)
{
  with_degree(products.l_max, [&](auto degree) {
    products_value<degree.value>(products, begin, end, mixed, invariants);
  });
}

template <class Real>
void products_backward(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                       const Real *mixed, const Real *adjoint, Real *mixed_adjoint)
{
  with_degree(products.l_max, [&](auto degree) {
    products_adjoint<degree.value>(products, begin, end, mixed, adjoint, mixed_adjoint);
  });
}

template <class Real>
void products_double_backward(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                              const Real *mixed, const Real *adjoint, const Real *direction,
                              Real *invariants_tangent, Real *mixed_tangent)
{
  with_degree(products.l_max, [&](auto degree) {
    products_tangents<degree.value>(products, begin, end, mixed, adjoint, direction,
                                    invariants_tangent, mixed_tangent);
  });
}

} // namespace

template <class Real> ProductKernels<Real> product_kernels()
{
  return {products_forward<Real>, products_backward<Real>, products_double_backward<Real>};
}
template ProductKernels<float> product_kernels();
template ProductKernels<double> product_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
