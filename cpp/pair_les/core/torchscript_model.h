// SPDX-License-Identifier: MIT
// The only C++ file that knows the model file format (contract versions 1 and 2, TorchScript archive).

#ifndef PAIR_LES_CORE_TORCHSCRIPT_MODEL_H
#define PAIR_LES_CORE_TORCHSCRIPT_MODEL_H

#include "metadata.h"

#include <torch/script.h>

#include <string>

namespace pair_les {

class TorchScriptModel {
 public:
  struct Output {
    torch::Tensor energy; // [n_local] eV
    torch::Tensor charge; // [n_local] e; undefined for a model without long range or with:
    torch::Tensor electronegativity, hardness;  // [n_local] eV/e, eV/e^2, of charge equilibration
    torch::Tensor member_energy, member_charge; // [committee, n_local]; undefined for one network
  };

  // Throws std::runtime_error with one line that names the file. The operators of this library run on CPUs: elsewhere the
  // network is evaluated in its plain torch form.
  TorchScriptModel(const std::string &name, const std::string &archive,
                   const torch::Device &device = torch::kCPU);

  const Metadata &metadata() const { return metadata_; }
  torch::ScalarType dtype() const;

  // Contract signature; output keys, shapes and dtype are checked.
  Output forward(const torch::Tensor &species, const torch::Tensor &edge_index,
                 const torch::Tensor &edge_vectors, std::int64_t n_local);

 private:
  torch::Tensor checked(const c10::Dict<c10::IValue, c10::IValue> &outputs, const std::string &key,
                        std::vector<std::int64_t> shape) const;

  std::string name_;
  Metadata metadata_;
  torch::jit::Module module_;
};

// One line out of a torch exception: the last 'SomethingError: ...' line, else the first line.
std::string one_line(const std::exception &error);

} // namespace pair_les

#endif
