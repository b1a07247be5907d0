// SPDX-License-Identifier: GPL-2.0-only

#include "fused_ops_kokkos.h"

#include "kokkos_type.h"

#include "core_library.h"
#include "density_kokkos.h"
#include "products_kokkos.h"

#include "core/fused/device_kernels.h"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

namespace LAMMPS_NS {
namespace les_kokkos {

using Space = LMPDeviceType::execution_space;

// Kokkos puts its kernels into the queue that torch has given: both see them in one order, without
// a fence.
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#if defined(KOKKOS_ENABLE_CUDA)
using Queue = cudaStream_t;
#else
using Queue = hipStream_t;
#endif
struct SpaceOfQueue {
  void *queue = nullptr;
  std::unique_ptr<Space> space; // made once: it owns memory
};

Space space_of(void *queue)
{
  static SpaceOfQueue last;
  if (!last.space || last.queue != queue) {
    static bool first = true;
    if (first) Kokkos::push_finalize_hook([] { last.space.reset(); });
    first = false;
    last.space = std::make_unique<Space>(static_cast<Queue>(queue));
    last.queue = queue;
  }
  return *last.space;
}
#else
Space space_of(void *)
{
  return Space();
}
#endif

template <int L> struct Degree {
  static constexpr int value = L;
};

// run(Degree<l_max>): the loops over degrees are unrolled at compile time
template <class Run> void with_degree(const int l_max, const Run &run)
{
  if (l_max == 1) return run(Degree<1>());
  if (l_max == 2) return run(Degree<2>());
  run(Degree<3>());
}

void first_edges_of(const std::int64_t *center, std::int64_t n_edges, std::int64_t n_local,
                    std::int64_t *first, void *queue)
{
  first_edges(space_of(queue), center, n_edges, n_local, first);
}

template <class Real>
void density_forward(const pair_les::DensityEdges<Real> &edges, Real *result, void *queue)
{
  if (edges.n_local == 0) return;
  with_degree(edges.l_max,
              [&](auto degree) { density<degree.value>(space_of(queue), edges, result); });
}

template <class Real>
void density_backward(const pair_les::DensityEdges<Real> &edges, const Real *adjoint, Real *result,
                      void *queue)
{
  if (edges.n_local == 0) return;
  with_degree(edges.l_max, [&](auto degree) {
    density_adjoint<degree.value>(space_of(queue), edges, adjoint, result);
  });
}

template <class Real>
void products_forward(const pair_les::Products<Real> &table, const Real *mixed, Real *result,
                      void *queue)
{
  with_degree(table.l_max,
              [&](auto degree) { products<degree.value>(space_of(queue), table, mixed, result); });
}

template <class Real>
void products_backward(const pair_les::Products<Real> &table, const Real *mixed,
                       const Real *adjoint, Real *result, void *queue)
{
  with_degree(table.l_max, [&](auto degree) {
    products_adjoint<degree.value>(space_of(queue), table, mixed, adjoint, result);
  });
}

static const pair_les::DeviceKernels kernels{first_edges_of,
                                             {density_forward<float>, density_backward<float>},
                                             {density_forward<double>, density_backward<double>},
                                             {products_forward<float>, products_backward<float>},
                                             {products_forward<double>, products_backward<double>}};

void choose_fused_kernels(const bool gpu)
{
  const char *const variable = std::getenv("PAIR_LES_KERNELS");
  const std::string wanted = variable ? variable : "";
  if (!wanted.empty() && wanted != "kokkos" && (gpu || wanted != "core"))
    throw std::runtime_error(
        "PAIR_LES_KERNELS = " + wanted + ": must be kokkos" +
        (gpu ? " on a GPU; unset it, or set PAIR_LES_FUSED=0 for the plain torch form"
             : " or core; unset it for those of the core"));
  if (wanted == "kokkos" && !gpu && !on_host<Space>())
    throw std::runtime_error("PAIR_LES_KERNELS = kokkos: the Kokkos kernels of this LAMMPS run on "
                             "GPUs, which les/kk/host does not use; unset it");
  if (gpu || wanted == "kokkos") pair_les::use_device_kernels(kernels, gpu);
}

} // namespace les_kokkos
} // namespace LAMMPS_NS
