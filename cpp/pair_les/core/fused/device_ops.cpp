// SPDX-License-Identifier: MIT

#include "device_ops.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

// torch 2.11 and later tell the stream of a device
#define PAIR_LES_HAS_STREAMS (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 11)

namespace pair_les {

namespace {

const DeviceKernels *on_cpu = nullptr, *on_gpu = nullptr;

} // namespace

const DeviceKernels *device_kernels(c10::DeviceType device)
{
  if (device == c10::kCPU) return on_cpu;
  return device == c10::kCUDA ? on_gpu : nullptr;
}

void *stream_of(const at::Tensor &tensor)
{
  if (tensor.is_cpu()) return nullptr;
#if PAIR_LES_HAS_STREAMS
  const c10::impl::VirtualGuardImpl guard(tensor.device().type());
  return guard.getStreamNativeHandle(guard.getStream(tensor.device()));
#else
  TORCH_CHECK(false, "kernels in a stream of torch need torch 2.11 or later, found ", TORCH_VERSION,
              "; set PAIR_LES_FUSED=0 in the environment for the plain torch form");
#endif
}

void check_same_device(const char *name, const at::Tensor &first,
                       std::initializer_list<at::Tensor> others)
{
  for (const auto &other : others)
    TORCH_CHECK(other.device() == first.device(), name, ": tensors are on ", first.device(),
                " and on ", other.device(), ": must be on one device");
}

void refuse_second_derivative()
{
  TORCH_CHECK(false, "the fused operators have second derivatives on a CPU only; set "
                     "PAIR_LES_FUSED=0 in the environment for the plain torch form");
}

} // namespace pair_les

extern "C" void pair_les_use_device_kernels(const pair_les::DeviceKernels &kernels, bool gpu)
{
  using namespace pair_les;
  if (!gpu) {
    on_cpu = &kernels;
    return;
  }
#if PAIR_LES_HAS_STREAMS
  on_gpu = &kernels; // otherwise the plain torch form runs
  // what torch calls CUDA is HIP in a torch for AMD GPUs
  static const auto library = [] {
    torch::Library made(torch::Library::IMPL, "pair_les", c10::DispatchKey::CUDA, __FILE__,
                        __LINE__);
    implement_density(made);
    implement_products(made);
    return made;
  }();
#endif
}
