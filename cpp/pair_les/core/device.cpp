// SPDX-License-Identifier: MIT

#include "device.h"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

// of libtorch_cpu.so: major, minor and patch in the upper three bytes
extern "C" std::uint64_t aoti_torch_abi_version();

namespace pair_les {

std::string torch_release()
{
  const std::uint64_t version = aoti_torch_abi_version();
  const auto number = [=](int shift) { return std::to_string((version >> shift) & 0xff); };
  return number(56) + "." + number(48) + "." + number(40);
}

c10::Device torch_device(const TorchDevice &wanted)
{
  if (!wanted.is_gpu()) return c10::Device(wanted.name);
  const int found = at::hasCUDA() ? c10::impl::VirtualGuardImpl(c10::kCUDA).deviceCount() : 0;
  if (found == 0)
    throw std::runtime_error("device is " + wanted.name + ", but torch " + torch_release() +
                             " was built without GPU support or finds no GPU; install a torch " +
                             torch_release() + " for your GPU from https://pytorch.org, or " +
                             wanted.instead);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(gpu_index(wanted, found)));
}

void synchronize(const c10::Device &device)
{
  if (device.is_cpu()) return; // operators on a CPU return when they are done
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

bool is_out_of_memory(const std::exception &error)
{
  if (dynamic_cast<const c10::OutOfMemoryError *>(&error) ||
      dynamic_cast<const std::bad_alloc *>(&error))
    return true;
  // the allocator of the CPU, and exceptions that TorchScript has wrapped, have no type of their own
  const std::string text = error.what();
  for (const char *words : {"out of memory", "can't allocate memory", "OutOfMemoryError"})
    if (text.find(words) != std::string::npos) return true;
  return false;
}

} // namespace pair_les
