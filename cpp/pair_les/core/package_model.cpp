// SPDX-License-Identifier: MIT

#include "package_model.h"

#include "device.h"
#include "simd/instruction_set.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cpu.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <sys/utsname.h>

namespace pair_les {

namespace {

using caffe2::serialize::PyTorchStreamReader;
using torch::Tensor;
using torch::inductor::AOTIModelContainerRunner;
using torch::inductor::AOTIModelContainerRunnerCpu;

constexpr char FOLDER[] = "data/aotinductor/";

std::string record(PyTorchStreamReader &reader, const std::string &name)
{
  const auto [data, size] = reader.getRecord(name);
  return std::string(static_cast<const char *>(data.get()), size);
}

// A folder of this process alone, gone with the object. Many ranks of one node unpack the same file at once.
class TemporaryFolder {
 public:
  TemporaryFolder()
  {
    std::string name = std::filesystem::temp_directory_path() / "pair_les_XXXXXX";
    if (!mkdtemp(name.data()))
      throw std::runtime_error("no folder can be made in " + name.substr(0, name.rfind('/')));
    path_ = name;
  }
  ~TemporaryFolder()
  {
    std::error_code ignored; // an exception may be on its way
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  const std::filesystem::path &path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Loads one compiled pass. Nothing of it is left on the disk: a loaded library needs its file no more.
std::shared_ptr<AOTIModelContainerRunner> open_pass(PyTorchStreamReader &reader,
                                                    const std::string &name)
{
  const TemporaryFolder folder;
  std::filesystem::path library;
  const std::string prefix = FOLDER + name + "/";
  for (const std::string &entry : reader.getAllRecords()) {
    if (entry.compare(0, prefix.size(), prefix) != 0) continue;
    const auto file = folder.path() / entry.substr(entry.rfind('/') + 1);
    const auto content = record(reader, entry);
    std::ofstream stream(file, std::ios::binary);
    if (!stream.write(content.data(), static_cast<std::streamsize>(content.size())).flush())
      throw std::runtime_error("cannot write " + file.string());
    if (file.extension() == ".so") library = file;
  }
  if (library.empty()) throw std::runtime_error("it has no compiled " + name + " pass");
  return std::make_shared<AOTIModelContainerRunnerCpu>(library.string(), 1);
}

std::string machine()
{
  utsname names{};
  return uname(&names) == 0 ? names.machine : "unknown";
}

// The gradients of the inputs, computed by the backward pass from what the forward pass kept.
class PackageBackward : public torch::autograd::Node {
 public:
  PackageBackward(std::shared_ptr<AOTIModelContainerRunner> pass, std::vector<Tensor> kept) :
      pass_(std::move(pass)), kept_(std::move(kept))
  {}

  torch::autograd::variable_list apply(torch::autograd::variable_list &&seeds) override
  {
    const torch::NoGradGuard no_tape;
    std::vector<Tensor> inputs = kept_;
    for (std::size_t i = 0; i < seeds.size(); ++i)
      inputs.push_back(seeds[i].defined()
                           ? seeds[i].contiguous()
                           : input_metadata(static_cast<std::uint32_t>(i)).zeros_like());
    return pass_->run(inputs);
  }

  void release_variables() override { kept_.clear(); }

 private:
  std::shared_ptr<AOTIModelContainerRunner> pass_;
  std::vector<Tensor> kept_;
};

// A node of the tape: torch holds nodes by an intrusive pointer since 2.12, by a shared one before.
template <typename Node, typename... Arguments> auto make_node(Arguments &&...arguments)
{
  if constexpr (std::is_base_of_v<c10::intrusive_ptr_target, Node>)
    return c10::make_intrusive<Node>(std::forward<Arguments>(arguments)...);
  else
    return std::make_shared<Node>(std::forward<Arguments>(arguments)...);
}

} // namespace

bool is_package(const std::string &archive)
{
  try {
    std::istringstream stream(archive);
    return PyTorchStreamReader(&stream).hasRecord("archive_format");
  } catch (const std::exception &) { // no archive at all: the reader of TorchScript says so
    return false;
  }
}

PackageModel::PackageModel(const std::string &name, const std::string &archive,
                           const torch::Device &device) : ModelFile(name)
{
  std::istringstream stream(archive);
  PyTorchStreamReader reader(&stream);
  if (!reader.hasRecord("extra/metadata.json"))
    throw std::runtime_error("model file '" + name + "' carries no metadata.json; write it with " +
                             "'pair-les export --format pt2'");
  metadata_ = parse_metadata(record(reader, "extra/metadata.json"), name);
  require_machine(device);
  try {
    const auto open_part = [&](const std::string &suffix, std::size_t n_outputs) {
      parts_.push_back({open_pass(reader, "forward" + suffix),
                        open_pass(reader, "backward" + suffix), n_outputs});
    };
    const std::vector<int> &kept = metadata_.compiled->kept; // by each layer before the last
    for (std::size_t layer = 0; layer < kept.size(); ++layer)
      open_part("_" + std::to_string(layer), static_cast<std::size_t>(1 + kept[layer]));
    open_part(kept.empty() ? "" : "_" + std::to_string(kept.size()), output_names().size());
  } catch (const std::exception &error) {
    throw std::runtime_error("model file '" + name + "' cannot be unpacked and loaded (" +
                             one_line(error) + "); set TMPDIR to a folder with free space that " +
                             "allows programs, or export it again");
  }
  padding_ = std::make_unique<Padding>(metadata_, dtype());
}

PackageModel::~PackageModel() = default;

void PackageModel::require_machine(const torch::Device &device) const
{
  const std::string file = "model file '" + name_ + "'";
  const std::string again = "; export it again here with 'pair-les export --format pt2'";
  if (!metadata_.compiled)
    throw std::runtime_error(file + ": metadata key 'compiled' is missing in a package" + again);
  if (!device.is_cpu())
    throw std::runtime_error(file + " was compiled for CPUs and cannot run on " + device.str() +
                             "; export the model with '--format torchscript'");
  const auto &compiled = *metadata_.compiled;
  const auto require = [&](const std::string &what, const std::string &value,
                           const std::string &mine) {
    if (value != mine)
      throw std::runtime_error(file + " was compiled for " + what + " " + value + " but this is " +
                               what + " " + mine + again);
  };
  require("torch", compiled.torch, torch_release());
  require("machine", compiled.machine, machine());
  require("padding", std::to_string(compiled.padding), std::to_string(PADDING_VERSION));
  const std::string mine = instruction_set_name(instruction_set());
  if (!contains(instruction_set(), compiled.instruction_set))
    throw std::runtime_error(file + " was compiled for instruction set " +
                             compiled.instruction_set + " but this processor runs " + mine +
                             "; export it with '--format pt2 --isa " + mine + "'");
}

std::vector<std::string> PackageModel::output_names() const
{
  const auto &long_range = metadata_.long_range;
  if (metadata_.committee > 1)
    return long_range ? std::vector<std::string>{"member_energy", "member_charge"}
                      : std::vector<std::string>{"member_energy"};
  if (!long_range) return {"energy"};
  if (long_range->equilibrates()) return {"energy", "electronegativity", "hardness"};
  return {"energy", "charge"};
}

std::vector<Tensor> PackageModel::run(const Part &part, const std::vector<Tensor> &inputs) const
{
  std::vector<Tensor> kept, returned, differentiable, seeded;
  for (const Tensor &input : inputs)
    if (input.is_floating_point()) differentiable.push_back(input);
  {
    const torch::NoGradGuard no_tape;
    for (const Tensor &input : inputs) kept.push_back(input.detach().contiguous());
    returned = part.forward->run(kept);
  }
  const auto n_outputs = static_cast<std::ptrdiff_t>(part.n_outputs);
  std::vector<Tensor> outputs(returned.begin(), returned.begin() + n_outputs);
  kept.insert(kept.end(), returned.begin() + n_outputs, returned.end());
  if (torch::autograd::compute_requires_grad(differentiable)) {
    for (const Tensor &output : outputs)
      if (output.is_floating_point()) seeded.push_back(output);
    auto backward = make_node<PackageBackward>(part.backward, std::move(kept));
    backward->set_next_edges(
        torch::autograd::collect_next_edges(at::ArrayRef<Tensor>(differentiable)));
    torch::autograd::set_history(seeded, backward);
  }
  return outputs;
}

ModelFile::Output PackageModel::forward(const Tensor &species, const Tensor &edge_index,
                                        const Tensor &edge_vectors, std::int64_t n_local)
{
  if (parts_.size() == 1)
    return outputs_of(run(parts_[0], padding_->padded(species, edge_index, edge_vectors, n_local)),
                      n_local);
  const auto n_atoms = species.size(0);
  Sent sent;
  for (int layer = 0; layer + 1 < static_cast<int>(parts_.size()); ++layer)
    sent = send(layer, species, edge_index, edge_vectors, sent.first, sent.second, n_atoms);
  Output output = finish(species, edge_index, edge_vectors, sent.first, sent.second, n_atoms);
  for (Tensor *each : {&output.energy, &output.charge, &output.electronegativity, &output.hardness,
                       &output.member_energy, &output.member_charge})
    if (each->defined()) *each = each->narrow(-1, 0, n_local);
  return output;
}

ModelFile::Sent PackageModel::send(int layer, const Tensor &species, const Tensor &edge_index,
                                   const Tensor &edge_vectors, const Tensor &received,
                                   const std::vector<Tensor> &kept, std::int64_t n_local)
{
  auto inputs = padding_->padded(species, edge_index, edge_vectors, n_local);
  if (layer > 0) {
    inputs.push_back(padding_->padded_rows(received));
    inputs.insert(inputs.end(), kept.begin(), kept.end());
  }
  const auto results = run(parts_[static_cast<std::size_t>(layer)], inputs);
  return {results[0].narrow(0, padding_->n_atoms(), n_local), {results.begin() + 1, results.end()}};
}

ModelFile::Output PackageModel::finish(const Tensor &species, const Tensor &edge_index,
                                       const Tensor &edge_vectors, const Tensor &received,
                                       const std::vector<Tensor> &kept, std::int64_t n_local)
{
  auto inputs = padding_->padded(species, edge_index, edge_vectors, n_local);
  inputs.push_back(padding_->padded_rows(received));
  inputs.insert(inputs.end(), kept.begin(), kept.end());
  return outputs_of(run(parts_.back(), inputs), n_local);
}

ModelFile::Output PackageModel::outputs_of(const std::vector<Tensor> &results, std::int64_t n) const
{
  const auto names = output_names();
  Output output;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Tensor real = results[i].narrow(-1, padding_->n_atoms(), n);
    const bool of_members = metadata_.committee > 1;
    checked(real, names[i],
            of_members ? std::vector<std::int64_t>{metadata_.committee, n}
                       : std::vector<std::int64_t>{n});
    if (names[i] == "energy") output.energy = real;
    if (names[i] == "charge") output.charge = real;
    if (names[i] == "electronegativity") output.electronegativity = real;
    if (names[i] == "hardness") output.hardness = real;
    if (names[i] == "member_energy") output.member_energy = real;
    if (names[i] == "member_charge") output.member_charge = real;
  }
  if (output.member_energy.defined()) output.energy = output.member_energy.mean(0);
  if (output.member_charge.defined()) output.charge = output.member_charge.mean(0);
  return output;
}

} // namespace pair_les
