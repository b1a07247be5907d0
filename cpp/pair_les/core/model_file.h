// SPDX-License-Identifier: MIT
// The network of a model file, whatever the format of the file: what the evaluator sees of it.

#ifndef PAIR_LES_CORE_MODEL_FILE_H
#define PAIR_LES_CORE_MODEL_FILE_H

#include "metadata.h"

#include <torch/types.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pair_les {

class ModelFile {
 public:
  struct Output {
    torch::Tensor energy; // [n_local] eV
    torch::Tensor charge; // [n_local] e; undefined for a model without long range or with:
    torch::Tensor electronegativity, hardness;  // [n_local] eV/e, eV/e^2, of charge equilibration
    torch::Tensor member_energy, member_charge; // [committee, n_local]; undefined for one network
  };

  virtual ~ModelFile() = default;

  const Metadata &metadata() const { return metadata_; }
  torch::ScalarType dtype() const;

  // Contract signature; output keys, shapes and dtype are checked. The outputs are on the autograd tape of `edge_vectors`.
  virtual Output forward(const torch::Tensor &species, const torch::Tensor &edge_index,
                         const torch::Tensor &edge_vectors, std::int64_t n_local) = 0;

  // Standard deviations of the energies, float64 [n_local] eV, of a model with metadata().uncertainty; shape and dtype are
  // checked. The second in place of finish() of a network that is cut at its layers.
  virtual torch::Tensor uncertainty(const torch::Tensor &species, const torch::Tensor &edge_index,
                                    const torch::Tensor &edge_vectors, std::int64_t n_local);
  virtual torch::Tensor
  finish_uncertainty(const torch::Tensor &species, const torch::Tensor &edge_index,
                     const torch::Tensor &edge_vectors, const torch::Tensor &received,
                     const std::vector<torch::Tensor> &kept, std::int64_t n_local);

  // The network cut at its layers (metadata().message_features): messages [n_local, features] of a layer before the last
  // and what the local atoms keep for themselves; then the outputs, by the last layer. Shapes and dtype are checked.
  using Sent = std::pair<torch::Tensor, std::vector<torch::Tensor>>;
  virtual Sent send(int layer, const torch::Tensor &species, const torch::Tensor &edge_index,
                    const torch::Tensor &edge_vectors, const torch::Tensor &received,
                    const std::vector<torch::Tensor> &kept, std::int64_t n_local);
  virtual Output finish(const torch::Tensor &species, const torch::Tensor &edge_index,
                        const torch::Tensor &edge_vectors, const torch::Tensor &received,
                        const std::vector<torch::Tensor> &kept, std::int64_t n_local);

 protected:
  explicit ModelFile(std::string name) : name_(std::move(name)) {}

  // Output `key` of a forward pass; an undefined tensor is one that it did not return.
  const torch::Tensor &checked(const torch::Tensor &tensor, const std::string &key,
                               const std::vector<std::int64_t> &shape) const;

  // Result of uncertainty() or finish_uncertainty().
  const torch::Tensor &checked_uncertainty(const torch::Tensor &tensor, std::int64_t n_local) const;

  [[noreturn]] void fail_not_cut() const;
  [[noreturn]] void fail_without_uncertainty() const;

  std::string name_; // what error messages call the file
  Metadata metadata_;
};

// Throws std::runtime_error with one line that names the file. Where the operators of this library do not run (a GPU for
// which nobody has brought kernels, fused/device_kernels.h) the network is evaluated in its plain torch form.
std::unique_ptr<ModelFile> open_model_file(const std::string &name, const std::string &archive,
                                           const torch::Device &device = torch::kCPU);

// One line out of a torch exception: the last 'SomethingError: ...' line, else the first line.
std::string one_line(const std::exception &error);

} // namespace pair_les

#endif
