// SPDX-License-Identifier: MIT
// torch.ops.pair_les.density: the fused density as an operator that is differentiable twice. Twin: net/density.py.

#include "device_ops.h"
#include "neighbourhood.h"
#include "registration.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

namespace pair_les {

namespace {

using at::Tensor;

template <class Real> const DensityKernels<Real> &kernels_of();
template <> const DensityKernels<float> &kernels_of()
{
  return fused_kernels().density_float;
}
template <> const DensityKernels<double> &kernels_of()
{
  return fused_kernels().density_double;
}

// run(edges, begin, end, scratch) on ranges of centres
template <class Real, class Run> void over_centres(const Neighbourhood &n, const Run &run)
{
  constexpr std::int64_t grain = 64;
  const auto edges = n.edges<Real>(n.first.data());
  at::parallel_for(0, n.n_local, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Real> scratch(static_cast<std::size_t>(density_scratch_size(edges)));
    run(edges, begin, end, scratch.data());
  });
}

Tensor density_cpu(const Tensor &vectors, const Tensor &centre, const Tensor &species,
                   const Tensor &harmonics, std::int64_t n_local, std::int64_t n_species,
                   double cutoff, std::int64_t n_radial)
{
  if (device_kernels(c10::kCPU))
    return density_device(vectors, centre, species, harmonics, n_local, n_species, cutoff,
                          n_radial);
  Neighbourhood n{vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial};
  n.check();
  n.index();
  auto density = at::empty(n.density_shape(), vectors.options());
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density", [&] {
    auto *to = density.data_ptr<scalar_t>();
    over_centres<scalar_t>(n, [&](const auto &edges, auto begin, auto end, auto *scratch) {
      kernels_of<scalar_t>().forward(edges, begin, end, scratch, to);
    });
  });
  return density;
}

Tensor density_backward_cpu(const Tensor &adjoint, const Tensor &vectors, const Tensor &centre,
                            const Tensor &species, const Tensor &harmonics, std::int64_t n_local,
                            std::int64_t n_species, double cutoff, std::int64_t n_radial)
{
  if (device_kernels(c10::kCPU))
    return density_backward_device(adjoint, vectors, centre, species, harmonics, n_local, n_species,
                                   cutoff, n_radial);
  Neighbourhood n{vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial};
  n.check();
  n.index();
  const auto from = adjoint.contiguous();
  auto result = at::empty_like(n.vectors);
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density_backward", [&] {
    auto *to = result.data_ptr<scalar_t>();
    const auto *g = from.const_data_ptr<scalar_t>();
    over_centres<scalar_t>(n, [&](const auto &edges, auto begin, auto end, auto *scratch) {
      kernels_of<scalar_t>().backward(edges, begin, end, scratch, g, to);
    });
  });
  return result;
}

std::tuple<Tensor, Tensor>
density_double_backward_cpu(const Tensor &direction, const Tensor &adjoint, const Tensor &vectors,
                            const Tensor &centre, const Tensor &species, const Tensor &harmonics,
                            std::int64_t n_local, std::int64_t n_species, double cutoff,
                            std::int64_t n_radial, bool with_vectors)
{
  Neighbourhood n{vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial};
  n.check();
  n.index();
  const auto g = adjoint.contiguous(), u = direction.contiguous();
  auto density_tangent = at::empty(n.density_shape(), vectors.options());
  auto vector_tangent = at::empty({with_vectors ? n.vectors.size(0) : 0, 3}, vectors.options());
  AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "density_double_backward", [&] {
    auto *to_density = density_tangent.data_ptr<scalar_t>();
    auto *to_vectors = with_vectors ? vector_tangent.data_ptr<scalar_t>() : nullptr;
    const auto *gp = g.const_data_ptr<scalar_t>(), *up = u.const_data_ptr<scalar_t>();
    over_centres<scalar_t>(n, [&](const auto &edges, auto begin, auto end, auto *scratch) {
      kernels_of<scalar_t>().double_backward(edges, begin, end, scratch, gp, up, to_density,
                                             to_vectors);
    });
  });
  return {density_tangent, vector_tangent};
}

// shapes only, for export and compilation
Tensor density_meta(const Tensor &vectors, const Tensor &, const Tensor &, const Tensor &harmonics,
                    c10::SymInt n_local, std::int64_t n_species, double, std::int64_t n_radial)
{
  return at::empty_symint({harmonics.sym_size(0), n_local, n_species * n_radial},
                          vectors.options());
}
Tensor density_backward_meta(const Tensor &, const Tensor &vectors, const Tensor &, const Tensor &,
                             const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t)
{
  return at::empty_symint(vectors.sym_sizes(), vectors.options());
}
std::tuple<Tensor, Tensor> density_double_backward_meta(const Tensor &, const Tensor &adjoint,
                                                        const Tensor &vectors, const Tensor &,
                                                        const Tensor &, const Tensor &, c10::SymInt,
                                                        std::int64_t, double, std::int64_t,
                                                        bool with_vectors)
{
  const c10::SymInt rows = with_vectors ? vectors.sym_size(0) : c10::SymInt(0);
  return {at::empty_symint(adjoint.sym_sizes(), adjoint.options()),
          at::empty_symint({rows, 3}, vectors.options())};
}

using Variables = torch::autograd::variable_list;
using Context = torch::autograd::AutogradContext;

void save_neighbourhood(Context *ctx, const Variables &tensors, const c10::SymInt &n_local,
                        std::int64_t n_species, double cutoff, std::int64_t n_radial)
{
  ctx->save_for_backward(tensors);
  ctx->saved_data["n_local"] = n_local;
  ctx->saved_data["n_species"] = n_species;
  ctx->saved_data["cutoff"] = cutoff;
  ctx->saved_data["n_radial"] = n_radial;
}

// The adjoint of the edge vectors, itself differentiable once more.
class DensityBackward : public torch::autograd::Function<DensityBackward> {
 public:
  static Tensor forward(Context *ctx, const Tensor &adjoint, const Tensor &vectors,
                        const Tensor &centre, const Tensor &species, const Tensor &harmonics,
                        c10::SymInt n_local, std::int64_t n_species, double cutoff,
                        std::int64_t n_radial)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    save_neighbourhood(ctx, {adjoint, vectors, centre, species, harmonics}, n_local, n_species,
                       cutoff, n_radial);
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t)>(
            "pair_les::density_backward");
    return op.call(adjoint, vectors, centre, species, harmonics, n_local, n_species, cutoff,
                   n_radial);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op = operator_named<std::tuple<Tensor, Tensor>(
        const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
        const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t, bool)>(
        "pair_les::density_double_backward");
    const bool with_vectors = ctx->needs_input_grad(1);
    const auto [density_tangent, vector_tangent] = op.call(
        gradients[0], saved[0], saved[1], saved[2], saved[3], saved[4],
        ctx->saved_data["n_local"].toSymInt(), ctx->saved_data["n_species"].toInt(),
        ctx->saved_data["cutoff"].toDouble(), ctx->saved_data["n_radial"].toInt(), with_vectors);
    return {density_tangent, with_vectors ? vector_tangent : Tensor(), {}, {}, {}, {}, {}, {}, {}};
  }
};

Tensor density_backward_autograd(const Tensor &adjoint, const Tensor &vectors, const Tensor &centre,
                                 const Tensor &species, const Tensor &harmonics,
                                 c10::SymInt n_local, std::int64_t n_species, double cutoff,
                                 std::int64_t n_radial)
{
  return DensityBackward::apply(adjoint, vectors, centre, species, harmonics, n_local, n_species,
                                cutoff, n_radial);
}

class Density : public torch::autograd::Function<Density> {
 public:
  static Tensor forward(Context *ctx, const Tensor &vectors, const Tensor &centre,
                        const Tensor &species, const Tensor &harmonics, c10::SymInt n_local,
                        std::int64_t n_species, double cutoff, std::int64_t n_radial)
  {
    at::AutoDispatchBelowADInplaceOrView below;
    save_neighbourhood(ctx, {vectors, centre, species, harmonics}, n_local, n_species, cutoff,
                       n_radial);
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              c10::SymInt, std::int64_t, double, std::int64_t)>(
            "pair_les::density");
    return op.call(vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial);
  }

  static Variables backward(Context *ctx, const Variables &gradients)
  {
    const auto saved = ctx->get_saved_variables();
    static const auto op =
        operator_named<Tensor(const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                              const Tensor &, c10::SymInt, std::int64_t, double, std::int64_t)>(
            "pair_les::density_backward");
    const auto gradient =
        op.call(gradients[0], saved[0], saved[1], saved[2], saved[3],
                ctx->saved_data["n_local"].toSymInt(), ctx->saved_data["n_species"].toInt(),
                ctx->saved_data["cutoff"].toDouble(), ctx->saved_data["n_radial"].toInt());
    return {gradient, {}, {}, {}, {}, {}, {}, {}};
  }
};

Tensor density_autograd(const Tensor &vectors, const Tensor &centre, const Tensor &species,
                        const Tensor &harmonics, c10::SymInt n_local, std::int64_t n_species,
                        double cutoff, std::int64_t n_radial)
{
  return Density::apply(vectors, centre, species, harmonics, n_local, n_species, cutoff, n_radial);
}

const Registration registration =
    Registration("density")
        .define([](torch::Library &library) {
          library.def(
              "density(Tensor edge_vectors, Tensor centre, Tensor neighbour_species, "
              "Tensor harmonics, SymInt n_local, int n_species, float cutoff, int n_radial) "
              "-> Tensor");
          library.def("density_backward(Tensor adjoint, Tensor edge_vectors, Tensor centre, "
                      "Tensor neighbour_species, Tensor harmonics, SymInt n_local, int n_species, "
                      "float cutoff, int n_radial) -> Tensor");
          library.def(
              "density_double_backward(Tensor direction, Tensor adjoint, Tensor edge_vectors, "
              "Tensor centre, Tensor neighbour_species, Tensor harmonics, SymInt n_local, "
              "int n_species, float cutoff, int n_radial, bool with_vectors) "
              "-> (Tensor, Tensor)");
        })
        .implement(c10::DispatchKey::CPU,
                   [](torch::Library &library) {
                     library.impl("density", density_cpu);
                     library.impl("density_backward", density_backward_cpu);
                     library.impl("density_double_backward", density_double_backward_cpu);
                   })
        .implement(c10::DispatchKey::Meta,
                   [](torch::Library &library) {
                     library.impl("density", density_meta);
                     library.impl("density_backward", density_backward_meta);
                     library.impl("density_double_backward", density_double_backward_meta);
                   })
        .implement(c10::DispatchKey::Autograd, [](torch::Library &library) {
          library.impl("density", density_autograd);
          library.impl("density_backward", density_backward_autograd);
        });

} // namespace

} // namespace pair_les
