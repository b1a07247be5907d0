// SPDX-License-Identifier: MIT
// The kernels of one instruction set, each family from a file of its own: compiled at the same time, and again only where it
// has changed.

#ifndef PAIR_LES_CORE_FUSED_KERNEL_TABLES_H
#define PAIR_LES_CORE_FUSED_KERNEL_TABLES_H

#include "fused_kernels.h"

#if !defined(PAIR_LES_INSTRUCTION_SET)
#error "compile with -D PAIR_LES_INSTRUCTION_SET=name"
#endif

namespace pair_les::PAIR_LES_INSTRUCTION_SET {

template <class Real> DensityKernels<Real> density_kernels();
template <class Real> ProductKernels<Real> product_kernels();
template <class Real> MessageKernels<Real> message_kernels();
template <class Real> EquivariantKernels<Real> equivariant_kernels();
template <class Real> ConvolutionKernels<Real> convolution_kernels();
template <class Real> ContractionKernels<Real> contraction_kernels();
template <class Real> ActivationKernels<Real> squash_kernels();
template <class Real> ActivationKernels<Real> silu_kernels();

} // namespace pair_les::PAIR_LES_INSTRUCTION_SET

#endif
