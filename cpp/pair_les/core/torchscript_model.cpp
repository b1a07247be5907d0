// SPDX-License-Identifier: MIT

#include "torchscript_model.h"

#include "fused/device_ops.h"

#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
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
  // torch's reader knows few devices; to others a module is moved after it has been read
  const bool known = device.is_cpu() || device.is_cuda();
  const torch::Device read_to = known ? device : torch::kCPU;
  try {
    std::istringstream stream(archive);
    module_ = torch::jit::load(stream, read_to, extra_files);
  } catch (const std::exception &error) {
    throw std::runtime_error("model file '" + name + "' is not a readable TorchScript archive (" +
                             one_line(error) + "); write it with 'pair-les export'");
  }
  if (extra_files["metadata.json"].empty())
    throw std::runtime_error("model file '" + name + "' carries no metadata.json; write it with " +
                             "'pair-les export' or see docs/reference/model_file.md");
  metadata_ = parse_metadata(extra_files["metadata.json"], name);

  const bool has_operators = device.is_cpu() || device_kernels(device.type());
  if (!extra_files["fused.pt"].empty() && has_operators && fused_wanted()) {
    try {
      std::istringstream stream(extra_files["fused.pt"]);
      module_ = torch::jit::load(stream, read_to);
    } catch (const std::exception &error) {
      throw std::runtime_error("model file '" + name + "': its fused form cannot be read (" +
                               one_line(error) + "); use the pair_les that wrote it, or set " +
                               "PAIR_LES_FUSED=0 in the environment for the slower plain form");
    }
  }

  check_methods();
  if (!known) module_.to(device);
  module_.eval();
  // gradients of weights would double the cost of the backward pass
  for (torch::Tensor parameter : module_.parameters()) parameter.set_requires_grad(false);
}

void TorchScriptModel::check_methods() const
{
  const auto require = [&](const std::string &name, const std::string &arguments) {
    const auto method = module_.find_method(name);
    const auto n_arguments = 2 + std::count(arguments.begin(), arguments.end(), ',');
    if (!method || static_cast<std::ptrdiff_t>(method->function().getSchema().arguments().size()) !=
                       n_arguments)
      throw std::runtime_error("model file '" + name_ + "': " + name + " must take (" + arguments +
                               "); see docs/reference/model_file.md");
  };
  require("forward", "species, edge_index, edge_vectors, n_local");
  if (metadata_.uncertainty) require("uncertainty", "species, edge_index, edge_vectors, n_local");
  if (metadata_.message_features.empty()) return;
  require("send", "layer, species, edge_index, edge_vectors, received, kept, n_local");
  require("finish", "species, edge_index, edge_vectors, received, kept, n_local");
  if (metadata_.uncertainty)
    require("finish_uncertainty", "species, edge_index, edge_vectors, received, kept, n_local");
}

ModelFile::Output TorchScriptModel::forward(const torch::Tensor &species,
                                            const torch::Tensor &edge_index,
                                            const torch::Tensor &edge_vectors, std::int64_t n_local)
{
  // The profiling executor fuses nothing on CPU but specializes on the shapes of its first calls:
  // a stall of several steps, again whenever the number of edges has changed. Interpret plainly.
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  return outputs_of("forward", module_.forward({species, edge_index, edge_vectors, n_local}),
                    n_local);
}

ModelFile::Sent TorchScriptModel::send(int layer, const torch::Tensor &species,
                                       const torch::Tensor &edge_index,
                                       const torch::Tensor &edge_vectors,
                                       const torch::Tensor &received,
                                       const std::vector<torch::Tensor> &kept, std::int64_t n_local)
{
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  const c10::IValue result = module_.get_method("send")(
      {layer, species, edge_index, edge_vectors, received, kept, n_local});
  if (!result.isTuple() || result.toTupleRef().elements().size() != 2 ||
      !result.toTupleRef().elements()[0].isTensor() ||
      !result.toTupleRef().elements()[1].isTensorList())
    throw std::runtime_error("model file '" + name_ +
                             "': send must return a tensor of messages and " + "a list of tensors");
  const auto &elements = result.toTupleRef().elements();
  Sent sent{elements[0].toTensor(), elements[1].toTensorVector()};
  const c10::IntArrayRef found = sent.first.sizes();
  const std::vector<std::int64_t> shape{
      n_local, metadata_.message_features[static_cast<std::size_t>(layer)]};
  if (found != c10::IntArrayRef(shape) || sent.first.scalar_type() != dtype()) {
    std::ostringstream message;
    message << "model file '" << name_ << "': send returned messages as "
            << sent.first.scalar_type() << found << " but must return " << dtype()
            << c10::IntArrayRef(shape);
    throw std::runtime_error(message.str());
  }
  return sent;
}

ModelFile::Output
TorchScriptModel::finish(const torch::Tensor &species, const torch::Tensor &edge_index,
                         const torch::Tensor &edge_vectors, const torch::Tensor &received,
                         const std::vector<torch::Tensor> &kept, std::int64_t n_local)
{
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  return outputs_of(
      "finish",
      module_.get_method("finish")({species, edge_index, edge_vectors, received, kept, n_local}),
      n_local);
}

torch::Tensor TorchScriptModel::uncertainty(const torch::Tensor &species,
                                            const torch::Tensor &edge_index,
                                            const torch::Tensor &edge_vectors, std::int64_t n_local)
{
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  const c10::IValue result =
      module_.get_method("uncertainty")({species, edge_index, edge_vectors, n_local});
  return checked_uncertainty(result.toTensor(), n_local);
}

torch::Tensor TorchScriptModel::finish_uncertainty(const torch::Tensor &species,
                                                   const torch::Tensor &edge_index,
                                                   const torch::Tensor &edge_vectors,
                                                   const torch::Tensor &received,
                                                   const std::vector<torch::Tensor> &kept,
                                                   std::int64_t n_local)
{
  torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  const c10::IValue result = module_.get_method("finish_uncertainty")(
      {species, edge_index, edge_vectors, received, kept, n_local});
  return checked_uncertainty(result.toTensor(), n_local);
}

ModelFile::Output TorchScriptModel::outputs_of(const std::string &method, const c10::IValue &result,
                                               std::int64_t n_local) const
{
  if (!result.isGenericDict())
    throw std::runtime_error("model file '" + name_ + "': " + method + " returned " +
                             result.tagKind() +
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
