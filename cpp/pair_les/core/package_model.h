// SPDX-License-Identifier: MIT
// A model file that is an AOTInductor package (.pt2): two compiled passes. Twin: python/pair_les/model_file/aot/runtime.py.

#ifndef PAIR_LES_CORE_PACKAGE_MODEL_H
#define PAIR_LES_CORE_PACKAGE_MODEL_H

#include "model_file.h"
#include "padding.h"

#include <memory>
#include <string>
#include <vector>

namespace torch::inductor {
class AOTIModelContainerRunner;
}

namespace pair_les {

// Whether the content of a model file is that of a package.
bool is_package(const std::string &archive);

class PackageModel : public ModelFile {
 public:
  // Refuses a package that was compiled for another torch, processor or device.
  PackageModel(const std::string &name, const std::string &archive, const torch::Device &device);
  ~PackageModel() override;

  Output forward(const torch::Tensor &species, const torch::Tensor &edge_index,
                 const torch::Tensor &edge_vectors, std::int64_t n_local) override;

 private:
  using Runner = torch::inductor::AOTIModelContainerRunner;

  void require_machine(const torch::Device &device) const;

  // The outputs named by output_names(), padded, on the tape of the last input.
  std::vector<torch::Tensor> run(const std::vector<torch::Tensor> &inputs);
  std::vector<std::string> output_names() const;

  std::shared_ptr<Runner> forward_pass_, backward_pass_;
  std::unique_ptr<Padding> padding_;
};

} // namespace pair_les

#endif
