// SPDX-License-Identifier: MIT

#include "torchscript_model.h"

#include "fused/device_ops.h"

#include <torch/csrc/jit/runtime/graph_executor.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

namespace pair_les {

namespace {

bool fused_wanted()
{
  const char *value = std::getenv("PAIR_LES_FUSED");
  const std::string text = value ? value : "";
  if (!text.empty() && text != "0" && text != "1")
    throw std::runtime_error("PAIR_LES_FUSED = " + text +
                             ": must be 0 (pure torch) or 1; unset it for the faster one");
  return text != "0";
}

} // namespace

TorchScriptModel::TorchScriptModel(const std::string &name, const std::string &archive,
                                   const torch::Device &device) : ModelFile(name)
{
  // fused.pt: the same network in the operators of this library, written by pair-les export
  std::unordered_map<std::string, std::string> extra_files{{"metadata.json", ""}, {"fused.pt", ""}};
  try {
    std::istringstream stream(archive);
    module_ = torch::jit::load(stream, device, extra_files);
  } catch (const std::exception &error) {
    throw std::runtime_error("model file '" + name + "' is not a readable TorchScript archive (" +
                             one_line(error) + "); write it with 'pair-les export'");
  }
  if (extra_files["metadata.json"].empty())
    throw std::runtime_error("model file '" + name + "' carries no metadata.json; write it with " +
                             "'pair-les export' or see docs/model_file.md");
  metadata_ = parse_metadata(extra_files["metadata.json"], name);

  const bool has_operators = device.is_cpu() || device_kernels(device.type());
  if (!extra_files["fused.pt"].empty() && has_operators && fused_wanted()) {
    try {
      std::istringstream stream(extra_files["fused.pt"]);
      module_ = torch::jit::load(stream, device);
    } catch (const std::exception &error) {
      throw std::runtime_error("model file '" + name + "': its fused form cannot be read (" +
                               one_line(error) + "); use the pair_les that wrote it, or set " +
                               "PAIR_LES_FUSED=0 in the environment for the slower plain form");
    }
  }

  const auto method = module_.find_method("forward");
  if (!method || method->function().getSchema().arguments().size() != 5)
    throw std::runtime_error("model file '" + name + "': forward must take (species, edge_index, " +
                             "edge_vectors, n_local); see docs/model_file.md");
  module_.eval();
  // gradients of weights would double the cost of the backward pass
  for (torch::Tensor parameter : module_.parameters()) parameter.set_requires_grad(false);
}

ModelFile::Output TorchScriptModel::forward(const torch::Tensor &species,
                                            const torch::Tensor &edge_index,
                                            const torch::Tensor &edge_vectors, std::int64_t n_local)
{
  // The profiling executor fuses nothing on CPU but specialises on the shapes of its first calls:
  // a stall of several steps, again whenever the number of edges has changed. Interpret plainly.
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  const c10::IValue result = module_.forward({species, edge_index, edge_vectors, n_local});
  if (!result.isGenericDict())
    throw std::runtime_error("model file '" + name_ + "': forward returned " + result.tagKind() +
                             " but must return a dictionary with 'energy' and 'charge'");
  const auto outputs = result.toGenericDict();
  const auto returned = [&](const std::string &key, const std::vector<std::int64_t> &shape) {
    const auto found = outputs.find(key);
    const bool is_there = found != outputs.end() && found->value().isTensor();
    return checked(is_there ? found->value().toTensor() : torch::Tensor(), key, shape);
  };
  Output output;
  output.energy = returned("energy", {n_local});
  if (metadata_.long_range && metadata_.long_range->equilibrates()) {
    output.electronegativity = returned("electronegativity", {n_local});
    output.hardness = returned("hardness", {n_local});
  } else if (metadata_.long_range) {
    output.charge = returned("charge", {n_local});
  }
  if (metadata_.committee > 1) {
    output.member_energy = returned("member_energy", {metadata_.committee, n_local});
    if (metadata_.long_range)
      output.member_charge = returned("member_charge", {metadata_.committee, n_local});
  }
  return output;
}

} // namespace pair_les
