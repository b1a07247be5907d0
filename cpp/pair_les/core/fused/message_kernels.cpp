// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "message_kernels.h"

#include "degrees.h"
#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

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

} // namespace

template <class Real> MessageKernels<Real> message_kernels()
{
  return {width_of<Real>, messages_forward<Real>, messages_backward<Real>, messages_tangent<Real>,
          messages_adjoint_tangent<Real>};
}
template MessageKernels<float> message_kernels();
template MessageKernels<double> message_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
