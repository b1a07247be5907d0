// SPDX-License-Identifier: MIT
// The kernels that were brought for a device (device_kernels.h), for the operators of density_op.cpp and products_op.cpp.

#ifndef PAIR_LES_CORE_FUSED_DEVICE_OPS_H
#define PAIR_LES_CORE_FUSED_DEVICE_OPS_H

#include "device_kernels.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <initializer_list>
#include <tuple>

namespace pair_les {

// nullptr where nobody has brought any. Nothing is checked there that would have to be read from the device: centers must be
// sorted and species in their range.
const DeviceKernels *device_kernels(c10::DeviceType device);

// torch's own queue on the device of a tensor, that of this thread; nullptr on a CPU.
void *stream_of(const at::Tensor &tensor);

void check_same_device(const char *name, const at::Tensor &first,
                       std::initializer_list<at::Tensor> others);

[[noreturn]] void refuse_second_derivative();

// The operator of a second derivative on a GPU.
template <class Traits> struct RefusedOnGpu : Traits {
  template <class... Arguments>
  static std::tuple<at::Tensor, at::Tensor> compute(const Arguments &...)
  {
    refuse_second_derivative();
  }
};

// The operators on a GPU, as long as `library` lives.
void implement_density(torch::Library &library);
void implement_products(torch::Library &library);

} // namespace pair_les

#endif
