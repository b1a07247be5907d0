// SPDX-License-Identifier: MIT
// Kernels of the fused operators for arrays in the memory of a device. The core has none: whoever can compile for the
// device (kokkos/) brings them. Free of torch headers and of those of any device.

#ifndef PAIR_LES_CORE_FUSED_DEVICE_KERNELS_H
#define PAIR_LES_CORE_FUSED_DEVICE_KERNELS_H

#include "fused_kernels.h"

#include <cstdint>

namespace pair_les {

// Every pointer inside the arguments is to memory of the device. `stream` is the queue that torch has its own work in
// (cudaStream_t, hipStream_t; nullptr on a CPU): what is put into it needs no fence on either side.
template <class Real> struct DeviceDensityKernels {
  void (*forward)(const DensityEdges<Real> &, Real *density, void *stream);
  void (*backward)(const DensityEdges<Real> &, const Real *adjoint, Real *vector_adjoint,
                   void *stream);
};

template <class Real> struct DeviceProductKernels {
  void (*forward)(const Products<Real> &, const Real *mixed, Real *invariants, void *stream);
  void (*backward)(const Products<Real> &, const Real *mixed, const Real *adjoint,
                   Real *mixed_adjoint, void *stream);
};

struct DeviceKernels {
  // first[i] = number of edges whose center is below i, for i = 0 .. n_local; centers are sorted
  void (*first_edges)(const std::int64_t *center, std::int64_t n_edges, std::int64_t n_local,
                      std::int64_t *first, void *stream);
  DeviceDensityKernels<float> density_float;
  DeviceDensityKernels<double> density_double;
  DeviceProductKernels<float> products_float;
  DeviceProductKernels<double> products_double;

  template <class Real> const DeviceDensityKernels<Real> &density() const
  {
    if constexpr (sizeof(Real) == sizeof(float))
      return density_float;
    else
      return density_double;
  }
  template <class Real> const DeviceProductKernels<Real> &products() const
  {
    if constexpr (sizeof(Real) == sizeof(float))
      return products_float;
    else
      return products_double;
  }
};

// Entry point of the core library, looked up by name.
using UseDeviceKernels = void(const DeviceKernels &kernels, bool gpu);

} // namespace pair_les

// From now on torch.ops.pair_les.density and .products are these kernels, on a GPU or, instead of the core's own, on the CPU.
// There are no second derivatives of them: on the CPU those stay the core's, on a GPU they are refused.
extern "C" void pair_les_use_device_kernels(const pair_les::DeviceKernels &kernels, bool gpu);

#endif
