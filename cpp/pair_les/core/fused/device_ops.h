// SPDX-License-Identifier: MIT
// The fused operators by the kernels that were brought for a device.

#ifndef PAIR_LES_CORE_FUSED_DEVICE_OPS_H
#define PAIR_LES_CORE_FUSED_DEVICE_OPS_H

#include "device_kernels.h"

#include <ATen/ATen.h>

namespace pair_les {

// nullptr where nobody has brought any.
const DeviceKernels *device_kernels(c10::DeviceType device);

// Arguments as in density_op.cpp and products_op.cpp. Centres must be sorted and species in their range: nothing is checked
// that would have to be read from the device.
at::Tensor density_device(const at::Tensor &vectors, const at::Tensor &centre,
                          const at::Tensor &species, const at::Tensor &harmonics,
                          std::int64_t n_local, std::int64_t n_species, double cutoff,
                          std::int64_t n_radial);
at::Tensor density_backward_device(const at::Tensor &adjoint, const at::Tensor &vectors,
                                   const at::Tensor &centre, const at::Tensor &species,
                                   const at::Tensor &harmonics, std::int64_t n_local,
                                   std::int64_t n_species, double cutoff, std::int64_t n_radial);
at::Tensor products_device(const at::Tensor &mixed, const at::Tensor &even, const at::Tensor &odd,
                           const at::Tensor &weights, std::int64_t body_order);
at::Tensor products_backward_device(const at::Tensor &adjoint, const at::Tensor &mixed,
                                    const at::Tensor &even, const at::Tensor &odd,
                                    const at::Tensor &weights, std::int64_t body_order);

} // namespace pair_les

#endif
