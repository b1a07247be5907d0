// SPDX-License-Identifier: MIT
// A model file that is a TorchScript archive (contract versions 1 and 2).

#ifndef PAIR_LES_CORE_TORCHSCRIPT_MODEL_H
#define PAIR_LES_CORE_TORCHSCRIPT_MODEL_H

#include "model_file.h"

#include <torch/script.h>

namespace pair_les {

class TorchScriptModel : public ModelFile {
 public:
  TorchScriptModel(const std::string &name, const std::string &archive,
                   const torch::Device &device);

  Output forward(const torch::Tensor &species, const torch::Tensor &edge_index,
                 const torch::Tensor &edge_vectors, std::int64_t n_local) override;
  Sent send(int layer, const torch::Tensor &species, const torch::Tensor &edge_index,
            const torch::Tensor &edge_vectors, const torch::Tensor &received,
            const std::vector<torch::Tensor> &kept, std::int64_t n_local) override;
  Output finish(const torch::Tensor &species, const torch::Tensor &edge_index,
                const torch::Tensor &edge_vectors, const torch::Tensor &received,
                const std::vector<torch::Tensor> &kept, std::int64_t n_local) override;
  torch::Tensor uncertainty(const torch::Tensor &species, const torch::Tensor &edge_index,
                            const torch::Tensor &edge_vectors, std::int64_t n_local) override;
  torch::Tensor finish_uncertainty(const torch::Tensor &species, const torch::Tensor &edge_index,
                                   const torch::Tensor &edge_vectors, const torch::Tensor &received,
                                   const std::vector<torch::Tensor> &kept,
                                   std::int64_t n_local) override;

 private:
  void check_methods() const;
  Output outputs_of(const std::string &method, const c10::IValue &result,
                    std::int64_t n_local) const;

  torch::jit::Module module_;
};

} // namespace pair_les

#endif
