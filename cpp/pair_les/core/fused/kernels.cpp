// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt). Has no other functions of external linkage than kernels().

#include "fused_kernels.h"

#include "density_kernels.h"
#include "equivariant_kernels.h"
#include "message_kernels.h"
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

// the same with the highest degree that atoms send, which does not exceed l_max
template <class Run> void with_degrees(int l_max, int n_sent, const Run &run)
{
  with_degree(l_max, [&](auto degree) {
    if (n_sent == 4) return run(degree, Degree<1>());
    if constexpr (degree.value >= 2)
      if (n_sent == 9) return run(degree, Degree<2>());
    if constexpr (degree.value >= 3) run(degree, Degree<3>());
  });
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

template <class Real>
void messages_forward(const MessageEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                      Real *sums)
{
  with_degrees(edges.l_max, edges.n_sent, [&](auto degree, auto sent) {
    receive<degree.value, sent.value, ValueOps<Real>>(edges, begin, end, {}, sums);
  });
}

template <class Real>
void messages_backward(const MessageEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                       const Real *adjoint, const MessageAdjoint<Real> &result)
{
  with_degrees(edges.l_max, edges.n_sent, [&](auto degree, auto sent) {
    send_back<degree.value, sent.value, ValueOps<Real>>(edges, begin, end, {}, adjoint, result);
  });
}

template <class Real>
void messages_tangent(const MessageEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                      const MessageDirection<Real> &along, Real *sums_tangent)
{
  with_degrees(edges.l_max, edges.n_sent, [&](auto degree, auto sent) {
    receive<degree.value, sent.value, DualOps<Real>>(edges, begin, end, along, sums_tangent);
  });
}

template <class Real>
void messages_adjoint_tangent(const MessageEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                              const MessageDirection<Real> &along, const Real *adjoint,
                              const MessageAdjoint<Real> &result)
{
  with_degrees(edges.l_max, edges.n_sent, [&](auto degree, auto sent) {
    send_back<degree.value, sent.value, DualOps<Real>>(edges, begin, end, along, adjoint, result);
  });
}

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

template <class Real>
constexpr MessageKernels<Real> message_table{width_of<Real>, messages_forward<Real>,
                                             messages_backward<Real>, messages_tangent<Real>,
                                             messages_adjoint_tangent<Real>};
template <class Real>
constexpr EquivariantKernels<Real> equivariant_table{width_of<Real>, equivariants_value<Real>,
                                                     equivariants_backward<Real>,
                                                     equivariants_double_backward<Real>};

#define PAIR_LES_TEXT_(name) #name
#define PAIR_LES_TEXT(name) PAIR_LES_TEXT_(name)

const FusedKernels table{
    PAIR_LES_TEXT(PAIR_LES_INSTRUCTION_SET),
    {density_forward<float>, density_backward<float>, density_double_backward<float>},
    {density_forward<double>, density_backward<double>, density_double_backward<double>},
    {products_forward<float>, products_backward<float>, products_double_backward<float>},
    {products_forward<double>, products_backward<double>, products_double_backward<double>},
    message_table<float>,
    message_table<double>,
    equivariant_table<float>,
    equivariant_table<double>};

} // namespace

const FusedKernels &kernels()
{
  return table;
}

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
