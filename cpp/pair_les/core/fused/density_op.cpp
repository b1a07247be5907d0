// SPDX-License-Identifier: MIT
// torch.ops.pair_les.density: the fused density as an operator that is differentiable twice. Twin: net/density.py.

#include "device_ops.h"
#include "edge_offsets.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <vector>

namespace pair_les {

namespace {

using at::Tensor;
using Two = std::tuple<Tensor, Tensor>; // tangents of the density and of the edge vectors

// The arguments that all these operators share, checked: shapes and types here, elements where they are read.
struct Neighborhood {
  Tensor vectors, center, species, harmonics;
  std::int64_t n_local, n_species;
  double cutoff;
  std::int64_t n_radial;
  Tensor offsets = {}; // [n_local + 1] first edge of each center

  void check()
  {
    check_same_device("density", vectors, {center, species, harmonics});
    const auto n_edges = vectors.size(0);
    TORCH_CHECK(vectors.dim() == 2 && vectors.size(1) == 3,
                "density: edge_vectors must be [n_edges, 3], not ", vectors.sizes());
    TORCH_CHECK(center.scalar_type() == at::kLong && center.numel() == n_edges,
                "density: center must be int64 [n_edges]");
    TORCH_CHECK(species.scalar_type() == at::kLong && species.numel() == n_edges,
                "density: neighbor_species must be int64 [n_edges]");
    TORCH_CHECK(harmonics.scalar_type() == vectors.scalar_type(), "density: harmonics is ",
                harmonics.scalar_type(), " but edge_vectors are ", vectors.scalar_type());
    TORCH_CHECK(harmonics.dim() == 2 && harmonics.size(0) == harmonics.size(1) &&
                    l_max_of(harmonics.size(0)) > 0,
                "density: harmonics must be 4 x 4, 9 x 9 or 16 x 16, not ", harmonics.sizes());
    TORCH_CHECK(n_radial >= 1 && n_radial <= MAX_RADIAL, "density: n_radial = ", n_radial,
                ": must be 1 to ", MAX_RADIAL);
    for (Tensor *tensor : {&vectors, &center, &species, &harmonics}) *tensor = tensor->contiguous();
  }

  // Fills `offsets`: on the host, or by the kernels of a device.
  void index(const DeviceKernels *device)
  {
    if (!device) {
      offsets = edge_offsets("density", center, n_local, "neighbor_species", species, n_species);
      return;
    }
    offsets = at::empty({n_local + 1}, center.options());
    device->first_edges(center.const_data_ptr<std::int64_t>(), vectors.size(0), n_local,
                        offsets.data_ptr<std::int64_t>(), stream_of(vectors));
  }

  Tensor empty_density() const
  {
    return at::empty({harmonics.size(0), n_local, n_species * n_radial}, vectors.options());
  }

  template <class Real> DensityEdges<Real> edges() const
  {
    return {vectors.const_data_ptr<Real>(),
            offsets.const_data_ptr<std::int64_t>(),
            species.const_data_ptr<std::int64_t>(),
            harmonics.const_data_ptr<Real>(),
            n_local,
            static_cast<int>(n_species),
            static_cast<int>(n_radial),
            l_max_of(harmonics.size(0)),
            static_cast<Real>(cutoff)};
  }
};

// run(begin, end, scratch) on ranges of centers
template <class Real, class Run> void over_centers(const DensityEdges<Real> &edges, const Run &run)
{
  constexpr std::int64_t grain = 64;
  at::parallel_for(0, edges.n_local, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Real> scratch(static_cast<std::size_t>(density_scratch_size(edges)));
    run(begin, end, scratch.data());
  });
}

struct DensityDoubleBackward : NotDifferentiable {
  static constexpr const char *schema =
      "density_double_backward(Tensor direction, Tensor adjoint, Tensor edge_vectors, "
      "Tensor center, Tensor neighbor_species, Tensor harmonics, SymInt n_local, int n_species, "
      "float cutoff, int n_radial, bool with_vectors) -> (Tensor, Tensor)";

  static Two shapes(const Tensor &, const Tensor &adjoint, const Tensor &vectors, const Tensor &,
                    const Tensor &, const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t,
                    bool with_vectors)
  {
    const c10::SymInt rows = with_vectors ? vectors.sym_size(0) : c10::SymInt(0);
    return {at::empty_symint(adjoint.sym_sizes(), adjoint.options()),
            at::empty_symint({rows, 3}, vectors.options())};
  }

  static Two compute(const Tensor &direction, const Tensor &adjoint, const Tensor &vectors,
                     const Tensor &center, const Tensor &species, const Tensor &harmonics,
                     std::int64_t n_local, std::int64_t n_species, double cutoff,
                     std::int64_t n_radial, bool with_vectors)
  {
    Neighborhood n{vectors, center, species, harmonics, n_local, n_species, cutoff, n_radial};
    n.check();
    n.index(nullptr);
    const auto g = adjoint.contiguous(), u = direction.contiguous();
    auto density_tangent = n.empty_density();
    auto vector_tangent = at::empty({with_vectors ? n.vectors.size(0) : 0, 3}, vectors.options());
    AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density_double_backward", [&] {
      const auto edges = n.edges<scalar_t>();
      auto *to_density = density_tangent.data_ptr<scalar_t>();
      auto *to_vectors = with_vectors ? vector_tangent.data_ptr<scalar_t>() : nullptr;
      const auto *gp = g.const_data_ptr<scalar_t>(), *up = u.const_data_ptr<scalar_t>();
      over_centers(edges, [&](auto begin, auto end, auto *scratch) {
        fused_kernels<scalar_t>().density.double_backward(edges, begin, end, scratch, gp, up,
                                                          to_density, to_vectors);
      });
    });
    return {density_tangent, vector_tangent};
  }
};

// The adjoint of the edge vectors.
struct DensityBackward {
  static constexpr const char *schema =
      "density_backward(Tensor adjoint, Tensor edge_vectors, Tensor center, "
      "Tensor neighbor_species, Tensor harmonics, SymInt n_local, int n_species, float cutoff, "
      "int n_radial) -> Tensor";

  static Tensor shapes(const Tensor &, const Tensor &vectors, const Tensor &, const Tensor &,
                       const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t)
  {
    return at::empty_symint(vectors.sym_sizes(), vectors.options());
  }

  template <class... Rest> static Tensor compute(const Tensor &adjoint, const Rest &...rest)
  {
    Neighborhood n{rest...};
    n.check();
    const auto *device = device_kernels(n.vectors.device().type());
    n.index(device);
    const auto from = adjoint.contiguous();
    auto result = at::empty_like(n.vectors);
    AT_DISPATCH_FLOATING_TYPES(n.vectors.scalar_type(), "density_backward", [&] {
      const auto edges = n.edges<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      const auto *g = from.const_data_ptr<scalar_t>();
      if (device) return device->density<scalar_t>().backward(edges, g, to, stream_of(n.vectors));
      over_centers(edges, [&](auto begin, auto end, auto *scratch) {
        fused_kernels<scalar_t>().density.backward(edges, begin, end, scratch, g, to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &direction, const Arguments &...arguments)
  {
    const bool with_vectors = direction.needed(1);
    const auto [density, vectors] =
        call<DensityDoubleBackward>(direction[0], arguments..., with_vectors);
    return {density, with_vectors ? vectors : Tensor()};
  }
};

struct Density {
  static constexpr const char *schema =
      "density(Tensor edge_vectors, Tensor center, Tensor neighbor_species, Tensor harmonics, "
      "SymInt n_local, int n_species, float cutoff, int n_radial) -> Tensor";

  static Tensor shapes(const Tensor &vectors, const Tensor &, const Tensor &,
                       const Tensor &harmonics, c10::SymInt n_local, std::int64_t n_species, double,
                       std::int64_t n_radial)
  {
    return at::empty_symint({harmonics.sym_size(0), n_local, n_species * n_radial},
                            vectors.options());
  }

  template <class... Arguments> static Tensor compute(const Arguments &...arguments)
  {
    Neighborhood n{arguments...};
    n.check();
    const auto *device = device_kernels(n.vectors.device().type());
    n.index(device);
    auto density = n.empty_density();
    AT_DISPATCH_FLOATING_TYPES(n.vectors.scalar_type(), "density", [&] {
      const auto edges = n.edges<scalar_t>();
      auto *to = density.data_ptr<scalar_t>();
      if (device) return device->density<scalar_t>().forward(edges, to, stream_of(n.vectors));
      over_centers(edges, [&](auto begin, auto end, auto *scratch) {
        fused_kernels<scalar_t>().density.forward(edges, begin, end, scratch, to);
      });
    });
    return density;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    return {call<DensityBackward>(adjoints[0], arguments...)};
  }
};

const Operators<Density, DensityBackward, DensityDoubleBackward> density_operators;

} // namespace

void implement_density(torch::Library &library)
{
  implement<Density, DensityBackward, RefusedOnGpu<DensityDoubleBackward>>(library);
}

} // namespace pair_les
