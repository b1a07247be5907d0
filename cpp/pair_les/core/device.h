// SPDX-License-Identifier: MIT
// Which torch this is and where it computes, without a header of CUDA: the same source serves every build of torch.

#ifndef PAIR_LES_CORE_DEVICE_H
#define PAIR_LES_CORE_DEVICE_H

#include "torch_device.h"

#include <c10/core/Device.h>

#include <exception>
#include <string>

namespace pair_les {

// "2.13.1" of the torch in this process, whose last number need not be that of the headers.
std::string torch_release();

// Throws std::runtime_error with one line that says what to do where this torch cannot use the GPU.
c10::Device torch_device(const TorchDevice &wanted);

// Returns when everything has ended that torch has begun on the device in this thread.
void synchronize(const c10::Device &device);

bool is_out_of_memory(const std::exception &error);

} // namespace pair_les

#endif
