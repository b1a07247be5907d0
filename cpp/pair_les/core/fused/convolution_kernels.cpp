// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "convolution_kernels.h"

#include "degrees.h"
#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <class Real>
void convolution_forward(const ConvolutionEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                         Real *scratch, Real *sums)
{
  with_degree(edges.l_max,
              [&](auto degree) { convolve<degree.value>(edges, begin, end, scratch, sums); });
}

template <class Real>
void convolution_backward(const ConvolutionEdges<Real> &edges, std::int64_t begin, std::int64_t end,
                          Real *scratch, const Real *adjoint, Real *vectors, Real *messages)
{
  with_degree(edges.l_max, [&](auto degree) {
    convolve_back<degree.value>(edges, begin, end, scratch, adjoint, vectors, messages);
  });
}

} // namespace

template <class Real> ConvolutionKernels<Real> convolution_kernels()
{
  return {convolution_forward<Real>, convolution_backward<Real>};
}
template ConvolutionKernels<float> convolution_kernels();
template ConvolutionKernels<double> convolution_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
