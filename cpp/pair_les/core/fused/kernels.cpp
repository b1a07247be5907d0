// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt). Has no other functions of external linkage than kernels().

#include "instruction_set.h"

#include "density_kernels.h"
#include "product_kernels.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <int L> struct Degree {
  static constexpr int value = L;
};

// run(Degree<l_max>): the loops over degrees are unrolled at compile time
template <class Run> void with_degree(int l_max, const Run &run)
{
  if (l_max == 1) return run(Degree<1>());
  if (l_max == 2) return run(Degree<2>());
  run(Degree<3>());
}

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
void density_second(const DensityEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                    Real *scratch, const Real *adjoint, const Real *direction, Real *density_slope,
                    Real *vector_slope)
{
  with_degree(edges.l_max, [&](auto degree) {
    constexpr int L = degree.value;
    accumulate<L, DualOps<Real>>(edges, begin, end, scratch, direction, density_slope);
    if (vector_slope)
      distribute<L, DualOps<Real>>(edges, begin, end, scratch, adjoint, direction, vector_slope);
  });
}

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
void products_second(const Products<Real> &products, std::int64_t begin, std::int64_t end,
                     const Real *mixed, const Real *adjoint, const Real *direction,
                     Real *invariants_slope, Real *mixed_slope)
{
  with_degree(products.l_max, [&](auto degree) {
    products_slopes<degree.value>(products, begin, end, mixed, adjoint, direction, invariants_slope,
                                  mixed_slope);
  });
}

#define PAIR_LES_TEXT_(name) #name
#define PAIR_LES_TEXT(name) PAIR_LES_TEXT_(name)

const FusedKernels table{
    PAIR_LES_TEXT(PAIR_LES_INSTRUCTION_SET),
    {density_forward<float>, density_backward<float>, density_second<float>},
    {density_forward<double>, density_backward<double>, density_second<double>},
    {products_forward<float>, products_backward<float>, products_second<float>},
    {products_forward<double>, products_backward<double>, products_second<double>}};

} // namespace

const FusedKernels &kernels()
{
  return table;
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
