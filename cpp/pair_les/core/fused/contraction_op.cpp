// SPDX-License-Identifier: MIT
// torch.ops.pair_les.contraction: polynomials of the densities of an atom, as an operator that is differentiable once in the
// densities. Twin: convert/fused/contraction.py.

#include "fused_kernels.h"
#include "operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace pair_les {

namespace {

using at::Tensor;

struct Polynomials {
  Tensor densities, species, coefficients, terms;
  std::int64_t n_outputs;

  void check()
  {
    TORCH_CHECK(densities.dim() == 3 && densities.size(0) <= MAX_LM &&
                    densities.size(2) % CHANNEL_STEP == 0,
                "contraction: densities must be [at most ", MAX_LM,
                ", n_atoms, n_channels] with a multiple of ", CHANNEL_STEP, " channels, not ",
                densities.sizes());
    TORCH_CHECK(species.scalar_type() == at::kLong && species.numel() == densities.size(1),
                "contraction: species must be int64 [n_atoms]");
    TORCH_CHECK(terms.scalar_type() == at::kLong && terms.dim() == 2 && terms.size(1) == 4,
                "contraction: terms must be int64 [n_terms, 4], not ", terms.sizes());
    TORCH_CHECK(
        coefficients.scalar_type() == densities.scalar_type() && coefficients.dim() == 3 &&
            coefficients.size(1) == terms.size(0) && coefficients.size(2) == densities.size(2),
        "contraction: coefficients must be [n_species, ", terms.size(0), ", ", densities.size(2),
        "] of ", densities.scalar_type(), ", not ", coefficients.sizes());
    TORCH_CHECK(n_outputs >= 1 && n_outputs <= MAX_LM, "contraction: n_outputs = ", n_outputs,
                ": must be from 1 to ", MAX_LM);
    for (Tensor *tensor : {&densities, &species, &coefficients, &terms})
      *tensor = tensor->contiguous();
    check_range("species", species, coefficients.size(0));
    check_range("first number of a term", terms.select(1, 0), n_outputs);
    check_range("density of a term", terms.narrow(1, 1, 3), densities.size(0) + 1);
  }

  template <class Real> Contraction<Real> of() const
  {
    return {coefficients.const_data_ptr<Real>(),
            terms.const_data_ptr<std::int64_t>(),
            species.const_data_ptr<std::int64_t>(),
            densities.size(1),
            densities.size(2),
            static_cast<int>(densities.size(0)),
            static_cast<int>(terms.size(0)),
            static_cast<int>(n_outputs)};
  }

 private:
  static void check_range(const char *name, const Tensor &values, std::int64_t end)
  {
    if (values.numel() == 0) return;
    TORCH_CHECK(values.min().item<std::int64_t>() >= 0 && values.max().item<std::int64_t>() < end,
                "contraction: ", name, " must be from 0 to ", end - 1);
  }
};

struct ContractionBackward {
  static constexpr const char *schema =
      "contraction_backward(Tensor adjoint, Tensor densities, Tensor species, Tensor coefficients, "
      "Tensor terms, int n_outputs) -> Tensor";

  static Tensor shapes(const Tensor &, const Tensor &densities, const Tensor &, const Tensor &,
                       const Tensor &, std::int64_t)
  {
    return at::empty_like(densities);
  }

  template <class... Rest> static Tensor compute(const Tensor &adjoint, const Rest &...rest)
  {
    Polynomials polynomials{rest...};
    polynomials.check();
    const auto from = adjoint.contiguous();
    auto result = at::empty_like(polynomials.densities);
    AT_DISPATCH_FLOATING_TYPES(result.scalar_type(), "contraction_backward", [&] {
      const auto contraction = polynomials.of<scalar_t>();
      const auto *a = polynomials.densities.template const_data_ptr<scalar_t>();
      const auto *g = from.const_data_ptr<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      at::parallel_for(0, contraction.n_atoms, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().contraction.backward(contraction, begin, end, a, g, to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &, const Arguments &...)
  {
    TORCH_CHECK(false, "contraction: has first derivatives only; set PAIR_LES_FUSED=0 in the ",
                "environment for the plain torch form");
    return {};
  }
};

struct ContractionForward {
  static constexpr const char *schema =
      "contraction(Tensor densities, Tensor species, Tensor coefficients, Tensor terms, "
      "int n_outputs) -> Tensor";

  static Tensor shapes(const Tensor &densities, const Tensor &, const Tensor &, const Tensor &,
                       std::int64_t n_outputs)
  {
    return at::empty_symint({n_outputs, densities.sym_size(1), densities.sym_size(2)},
                            densities.options());
  }

  template <class... Arguments> static Tensor compute(const Arguments &...arguments)
  {
    Polynomials polynomials{arguments...};
    polynomials.check();
    const auto &densities = polynomials.densities;
    auto result = at::empty({polynomials.n_outputs, densities.size(1), densities.size(2)},
                            densities.options());
    AT_DISPATCH_FLOATING_TYPES(densities.scalar_type(), "contraction", [&] {
      const auto contraction = polynomials.of<scalar_t>();
      const auto *a = densities.template const_data_ptr<scalar_t>();
      auto *to = result.data_ptr<scalar_t>();
      at::parallel_for(0, contraction.n_atoms, ATOMS_PER_TASK, [&](auto begin, auto end) {
        fused_kernels<scalar_t>().contraction.forward(contraction, begin, end, a, to);
      });
    });
    return result;
  }

  template <class... Arguments>
  static Variables differentiate(const Adjoints &adjoints, const Arguments &...arguments)
  {
    TORCH_CHECK(!adjoints.needed(2), "contraction: coefficients have no derivatives; set ",
                "PAIR_LES_FUSED=0 in the environment for the plain torch form");
    return {call<ContractionBackward>(adjoints[0], arguments...)};
  }
};

const Operators<ContractionForward, ContractionBackward> contraction_operators;

} // namespace

} // namespace pair_les
