// SPDX-License-Identifier: MIT

#include "model_file.h"

#include "package_model.h"
#include "torchscript_model.h"

#include <c10/util/Exception.h>

#include <sstream>
#include <stdexcept>

namespace pair_les {

std::string one_line(const std::exception &error)
{
  const auto *torch_error = dynamic_cast<const c10::Error *>(&error);
  std::istringstream text(torch_error ? torch_error->what_without_backtrace() : error.what());
  std::string line, first, last_error;
  while (std::getline(text, line)) {
    if (first.empty()) first = line;
    if (line.find("Error: ") != std::string::npos) last_error = line;
  }
  return last_error.empty() ? first : last_error;
}

torch::ScalarType ModelFile::dtype() const
{
  return metadata_.dtype == "float64" ? torch::kFloat64 : torch::kFloat32;
}

const torch::Tensor &ModelFile::checked(const torch::Tensor &tensor, const std::string &key,
                                        const std::vector<std::int64_t> &shape) const
{
  if (!tensor.defined())
    throw std::runtime_error("model file '" + name_ + "': forward returned no tensor '" + key +
                             "'");
  if (tensor.sizes() != c10::IntArrayRef(shape) || tensor.scalar_type() != dtype()) {
    std::ostringstream message;
    message << "model file '" << name_ << "': forward returned '" << key << "' as "
            << tensor.scalar_type() << tensor.sizes() << " but must return " << dtype()
            << c10::IntArrayRef(shape);
    throw std::runtime_error(message.str());
  }
  return tensor;
}

void ModelFile::fail_not_cut() const
{
  throw std::runtime_error("model file '" + name_ +
                           "' announces message_features, but files of its " +
                           "format cannot be cut at their layers; export it again as .pt");
}

const torch::Tensor &ModelFile::checked_uncertainty(const torch::Tensor &tensor,
                                                    std::int64_t n_local) const
{
  if (tensor.dim() == 1 && tensor.size(0) == n_local && tensor.scalar_type() == torch::kFloat64)
    return tensor;
  std::ostringstream message;
  message << "model file '" << name_ << "': uncertainty returned " << tensor.scalar_type()
          << tensor.sizes() << " but must return " << torch::kFloat64 << "[" << n_local << "]";
  throw std::runtime_error(message.str());
}

void ModelFile::fail_without_uncertainty() const
{
  throw std::runtime_error("model file '" + name_ + "' announces uncertainties, but files of its " +
                           "format have none; export it again as .pt with --uncertainty run");
}

torch::Tensor ModelFile::uncertainty(const torch::Tensor &, const torch::Tensor &,
                                     const torch::Tensor &, std::int64_t)
{
  fail_without_uncertainty();
}

torch::Tensor ModelFile::finish_uncertainty(const torch::Tensor &, const torch::Tensor &,
                                            const torch::Tensor &, const torch::Tensor &,
                                            const std::vector<torch::Tensor> &, std::int64_t)
{
  fail_without_uncertainty();
}

ModelFile::Sent ModelFile::send(int, const torch::Tensor &, const torch::Tensor &,
                                const torch::Tensor &, const torch::Tensor &,
                                const std::vector<torch::Tensor> &, std::int64_t)
{
  fail_not_cut();
}

ModelFile::Output ModelFile::finish(const torch::Tensor &, const torch::Tensor &,
                                    const torch::Tensor &, const torch::Tensor &,
                                    const std::vector<torch::Tensor> &, std::int64_t)
{
  fail_not_cut();
}

std::unique_ptr<ModelFile> open_model_file(const std::string &name, const std::string &archive,
                                           const torch::Device &device)
{
  if (is_package(archive)) return std::make_unique<PackageModel>(name, archive, device);
  return std::make_unique<TorchScriptModel>(name, archive, device);
}

} // namespace pair_les
