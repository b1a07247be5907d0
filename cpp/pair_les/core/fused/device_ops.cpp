// SPDX-License-Identifier: MIT

#include "device_ops.h"

#include "neighbourhood.h"
#include "quadrature.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/library.h>

#include <memory>

namespace pair_les {

namespace {

using at::Tensor;

const DeviceKernels *on_cpu = nullptr, *on_gpu = nullptr;

template <class Real> const DeviceDensityKernels<Real> &density_of(const DeviceKernels &);
template <> const DeviceDensityKernels<float> &density_of(const DeviceKernels &kernels)
{
  return kernels.density_float;
}
template <> const DeviceDensityKernels<double> &density_of(const DeviceKernels &kernels)
{
  return kernels.density_double;
}
template <class Real> const DeviceProductKernels<Real> &products_of(const DeviceKernels &);
template <> const DeviceProductKernels<float> &products_of(const DeviceKernels &kernels)
{
  return kernels.products_float;
}
template <> const DeviceProductKernels<double> &products_of(const DeviceKernels &kernels)
{
  return kernels.products_double;
}

// torch's own queue on the device, that of this thread
void *stream_of(const Tensor &tensor)
{
  if (tensor.is_cpu()) return nullptr;
  const c10::impl::VirtualGuardImpl guard(tensor.device().type());
  return guard.getStreamNativeHandle(guard.getStream(tensor.device()));
}

void check_same_device(const char *name, const Tensor &first, std::initializer_list<Tensor> others)
{
  for (const auto &other : others)
    TORCH_CHECK(other.device() == first.device(), name, ": tensors are on ", first.device(),
                " and on ", other.device(), ": must be on one device");
}

Neighbourhood checked(const Tensor &vectors, const Tensor &centre, const Tensor &species,
                      const Tensor &harmonics, std::int64_t n_local, std::int64_t n_species,
                      double cutoff, std::int64_t n_radial)
{
  check_same_device("density", vectors, {centre, species, harmonics});
  Neighbourhood n{vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial};
  n.check();
  return n;
}

Tensor first_edges(const Neighbourhood &n, const DeviceKernels &kernels, void *stream)
{
  auto first = at::empty({n.n_local + 1}, n.centre.options());
  kernels.first_edges(n.centre.const_data_ptr<std::int64_t>(), n.vectors.size(0), n.n_local,
                      first.data_ptr<std::int64_t>(), stream);
  return first;
}

[[noreturn]] void no_second_derivative()
{
  TORCH_CHECK(false, "the fused operators have second derivatives on a CPU only; set "
                     "PAIR_LES_FUSED=0 in the environment for the plain torch form");
}

std::tuple<Tensor, Tensor> density_double_backward_gpu(const Tensor &, const Tensor &,
                                                       const Tensor &, const Tensor &,
                                                       const Tensor &, const Tensor &, std::int64_t,
                                                       std::int64_t, double, std::int64_t, bool)
{
  no_second_derivative();
}

std::tuple<Tensor, Tensor> products_double_backward_gpu(const Tensor &, const Tensor &,
                                                        const Tensor &, const Tensor &,
                                                        const Tensor &, const Tensor &,
                                                        std::int64_t)
{
  no_second_derivative();
}

} // namespace

const DeviceKernels *device_kernels(c10::DeviceType device)
{
  if (device == c10::kCPU) return on_cpu;
  return device == c10::kCUDA ? on_gpu : nullptr;
}

Tensor density_device(const Tensor &vectors, const Tensor &centre, const Tensor &species,
                      const Tensor &harmonics, std::int64_t n_local, std::int64_t n_species,
                      double cutoff, std::int64_t n_radial)
{
  const auto n = checked(vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial);
  const auto &kernels = *device_kernels(vectors.device().type());
  auto *const stream = stream_of(vectors);
  const auto first = first_edges(n, kernels, stream);
  auto density = at::empty(n.density_shape(), vectors.options());
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density", [&] {
    density_of<scalar_t>(kernels).forward(n.edges<scalar_t>(first.const_data_ptr<std::int64_t>()),
                                          density.data_ptr<scalar_t>(), stream);
  });
  return density;
}

Tensor density_backward_device(const Tensor &adjoint, const Tensor &vectors, const Tensor &centre,
                               const Tensor &species, const Tensor &harmonics, std::int64_t n_local,
                               std::int64_t n_species, double cutoff, std::int64_t n_radial)
{
  const auto n = checked(vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial);
  const auto &kernels = *device_kernels(vectors.device().type());
  auto *const stream = stream_of(vectors);
  const auto first = first_edges(n, kernels, stream);
  const auto from = adjoint.contiguous();
  auto result = at::empty_like(n.vectors);
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density_backward", [&] {
    density_of<scalar_t>(kernels).backward(n.edges<scalar_t>(first.const_data_ptr<std::int64_t>()),
                                           from.const_data_ptr<scalar_t>(),
                                           result.data_ptr<scalar_t>(), stream);
  });
  return result;
}

Tensor products_device(const Tensor &mixed, const Tensor &even, const Tensor &odd,
                       const Tensor &weights, std::int64_t body_order)
{
  check_same_device("products", mixed, {even, odd, weights});
  Quadrature quadrature{even, odd, weights, body_order};
  quadrature.check(mixed);
  const auto f = mixed.contiguous();
  auto result = at::empty({f.size(1), quadrature.n_products(f) * f.size(2)}, f.options());
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products", [&] {
    products_of<scalar_t>(*device_kernels(f.device().type()))
        .forward(quadrature.of<scalar_t>(f), f.const_data_ptr<scalar_t>(),
                 result.data_ptr<scalar_t>(), stream_of(f));
  });
  return result;
}

Tensor products_backward_device(const Tensor &adjoint, const Tensor &mixed, const Tensor &even,
                                const Tensor &odd, const Tensor &weights, std::int64_t body_order)
{
  check_same_device("products", mixed, {adjoint, even, odd, weights});
  Quadrature quadrature{even, odd, weights, body_order};
  quadrature.check(mixed);
  const auto f = mixed.contiguous(), g = adjoint.contiguous();
  auto result = at::empty_like(f);
  AT_DISPATCH_FLOATING_TYPES(f.scalar_type(), "products_backward", [&] {
    products_of<scalar_t>(*device_kernels(f.device().type()))
        .backward(quadrature.of<scalar_t>(f), f.const_data_ptr<scalar_t>(),
                  g.const_data_ptr<scalar_t>(), result.data_ptr<scalar_t>(), stream_of(f));
  });
  return result;
}

} // namespace pair_les

extern "C" void pair_les_use_device_kernels(const pair_les::DeviceKernels &kernels, bool gpu)
{
  using namespace pair_les;
  if (!gpu) {
    on_cpu = &kernels;
    return;
  }
  on_gpu = &kernels;
  // what torch calls CUDA is HIP in a torch for AMD GPUs
  static const auto library = [] {
    auto made = std::make_unique<torch::Library>(torch::Library::IMPL, "pair_les",
                                                 c10::DispatchKey::CUDA, __FILE__, __LINE__);
    made->impl("density", density_device);
    made->impl("density_backward", density_backward_device);
    made->impl("density_double_backward", density_double_backward_gpu);
    made->impl("products", products_device);
    made->impl("products_backward", products_backward_device);
    made->impl("products_double_backward", products_double_backward_gpu);
    return made;
  }();
}
