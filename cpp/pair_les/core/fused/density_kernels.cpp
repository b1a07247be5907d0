// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "density_kernels.h"

#include "degrees.h"
#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <class Real>
void density_forward(const DensityEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                     Real *scratch, Real *density)
{
  with_degree(edges.l_max, [&](auto degree) {
    accumulate<degree.value, ValueOps<Real>>(edges, begin, end, scratch, nullptr, density);
  });
}

template <class Real>
void density_backward(const DensityEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                      Real *scratch, const Real *adjoint, Real *result)
{
  with_degree(edges.l_max, [&](auto degree) {
    distribute<degree.value, ValueOps<Real>>(edges, begin, end, scratch, adjoint, nullptr, result);
  });
}

template <class Real>
void density_double_backward(const DensityEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                             Real *scratch, const Real *adjoint, const Real *direction,
                             Real *density_tangent, Real *vector_tangent)
{
  with_degree(edges.l_max, [&](auto degree) {
    constexpr int L = degree.value;
    accumulate<L, DualOps<Real>>(edges, begin, end, scratch, direction, density_tangent);
    if (vector_tangent)
      distribute<L, DualOps<Real>>(edges, begin, end, scratch, adjoint, direction, vector_tangent);
  });
}

} // namespace

template <class Real> DensityKernels<Real> density_kernels()
{
  return {density_forward<Real>, density_backward<Real>, density_double_backward<Real>};
}
template DensityKernels<float> density_kernels();
template DensityKernels<double> density_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
