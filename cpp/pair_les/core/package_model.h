// SPDX-License-Identifier: MIT
// A model file that is an AOTInductor package (.pt2): two compiled passes of the network or of each of its layers.
// Twin: python/pair_les/model_file/aot/packaged_network.py.

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

  // A network that is cut at its layers is evaluated layer by layer, for the ghosts, too.
  Output forward(const torch::Tensor &species, const torch::Tensor &edge_index,
                 const torch::Tensor &edge_vectors, std::int64_t n_local) override;

  Sent send(int layer, const torch::Tensor &species, const torch::Tensor &edge_index,
            const torch::Tensor &edge_vectors, const torch::Tensor &received,
            const std::vector<torch::Tensor> &kept, std::int64_t n_local) override;
  Output finish(const torch::Tensor &species, const torch::Tensor &edge_index,
                const torch::Tensor &edge_vectors, const torch::Tensor &received,
                const std::vector<torch::Tensor> &kept, std::int64_t n_local) override;

 private:
  using Runner = torch::inductor::AOTIModelContainerRunner;

  // The whole network, or one layer of it.
  struct Part {
    std::shared_ptr<Runner> forward, backward;
    std::size_t n_outputs;
  };

  void require_machine(const torch::Device &device) const;
  std::vector<std::string> output_names() const;

  // Outputs of a part, on the tape of the inputs of floating point.
  std::vector<torch::Tensor> run(const Part &part, const std::vector<torch::Tensor> &inputs) const;

  // Outputs of the contract from those of the last part, of n atoms.
  Output outputs_of(const std::vector<torch::Tensor> &results, std::int64_t n) const;

  std::vector<Part> parts_;
  std::unique_ptr<Padding> padding_;
};

} // namespace pair_les

#endif
