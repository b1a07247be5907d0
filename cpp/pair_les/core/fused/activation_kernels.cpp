// SPDX-License-Identifier: MIT
// Compiled once per instruction set (CMakeLists.txt).

#include "activation_kernels.h"

#include "kernel_tables.h"

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

namespace {

template <template <class> class Function, class Real> ActivationKernels<Real> kernels_of()
{
  return {activation_value<Function, Real>, activation_adjoint<Function, Real>,
          activation_tangents<Function, Real>};
}

} // namespace

template <class Real> ActivationKernels<Real> squash_kernels()
{
  return kernels_of<Squash, Real>();
}
template ActivationKernels<float> squash_kernels();
template ActivationKernels<double> squash_kernels();

template <class Real> ActivationKernels<Real> silu_kernels()
{
  return kernels_of<Silu, Real>();
}
template ActivationKernels<float> silu_kernels();
template ActivationKernels<double> silu_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET
