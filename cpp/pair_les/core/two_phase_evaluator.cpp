// SPDX-License-Identifier: MIT
// Evaluator over a TorchScript model: forward keeps the autograd tape, backward walks it once.

#include "evaluator.h"
#include "torchscript_model.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <algorithm>
#include <stdexcept>

namespace pair_les {

namespace {

class TwoPhaseEvaluator : public Evaluator {
 public:
  TwoPhaseEvaluator(const std::string &name, const std::string &archive,
                    const EvaluatorOptions &options) : name_(name), model_(name, archive)
  {
    at::set_num_threads(std::max(1, options.threads));
  }

  const Metadata &metadata() const override { return model_.metadata(); }
  const std::vector<double> &energy() const override { return energy_; }
  const std::vector<double> &charge() const override { return charge_; }
  const std::vector<double> &edge_gradient() const override { return edge_gradient_; }

  void forward(const Graph &graph) override
  {
    n_edges_ = graph.n_edges();
    outputs_ = {};
    // a rank without atoms has nothing to ask the model
    if (graph.n_local == 0) {
      energy_.clear();
      charge_.clear();
      return;
    }
    try {
      edge_vectors_ = edge_tensor(graph);
      outputs_ = model_.forward(species_tensor(graph), edge_index_tensor(graph), edge_vectors_,
                                graph.n_local);
    } catch (const std::exception &error) {
      fail("forward", error);
    }
    copy(outputs_.energy, energy_);
    if (outputs_.charge.defined()) copy(outputs_.charge, charge_);
  }

  void backward(const double *potential) override
  {
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    if (!outputs_.energy.defined()) return;

    // an output that does not depend on the edges (no edges, fixed charges) is no part of the tape
    std::vector<torch::Tensor> outputs, seeds;
    if (outputs_.energy.requires_grad()) {
      outputs.push_back(outputs_.energy);
      seeds.push_back(torch::ones_like(outputs_.energy));
    }
    if (outputs_.charge.defined() && outputs_.charge.requires_grad()) {
      outputs.push_back(outputs_.charge);
      seeds.push_back(potential_tensor(potential));
    }
    differentiate(outputs, seeds, false);
    outputs_ = {};
    edge_vectors_.reset();
  }

  void charge_gradient(const double *weight) override
  {
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    if (!outputs_.charge.defined() || !outputs_.charge.requires_grad()) return;
    differentiate({outputs_.charge}, {potential_tensor(weight)}, true);
  }

 private:
  // sum of seed * output into edge_gradient_, which is already zero
  void differentiate(const std::vector<torch::Tensor> &outputs,
                     const std::vector<torch::Tensor> &seeds, bool keep_tape)
  {
    if (outputs.empty()) return;
    try {
      const auto gradient =
          torch::autograd::grad(outputs, {edge_vectors_}, seeds, keep_tape, false, true)[0];
      if (gradient.defined()) copy(gradient, edge_gradient_);
    } catch (const std::exception &error) {
      fail("backward", error);
    }
  }

  [[noreturn]] void fail(const std::string &phase, const std::exception &error) const
  {
    throw std::runtime_error("model file '" + name_ + "': " + phase +
                             " pass failed: " + one_line(error));
  }

  torch::Tensor species_tensor(const Graph &graph) const
  {
    return torch::tensor(c10::ArrayRef<std::int64_t>(graph.species), torch::kInt64);
  }

  torch::Tensor edge_index_tensor(const Graph &graph) const
  {
    auto index = torch::empty({2, n_edges_}, torch::kInt64);
    auto *data = index.data_ptr<std::int64_t>();
    std::copy(graph.centre.begin(), graph.centre.end(), data);
    std::copy(graph.neighbour.begin(), graph.neighbour.end(), data + n_edges_);
    return index;
  }

  torch::Tensor edge_tensor(const Graph &graph) const
  {
    auto vectors = torch::empty({n_edges_, 3}, model_.dtype());
    if (model_.dtype() == torch::kFloat64)
      std::copy(graph.edge_vectors.begin(), graph.edge_vectors.end(), vectors.data_ptr<double>());
    else
      std::copy(graph.edge_vectors.begin(), graph.edge_vectors.end(), vectors.data_ptr<float>());
    return vectors.requires_grad_(true);
  }

  torch::Tensor potential_tensor(const double *potential) const
  {
    if (!potential)
      throw std::runtime_error("backward() of a model with charges needs the latent potential");
    auto *data = const_cast<double *>(potential);
    return torch::from_blob(data, outputs_.charge.sizes(), torch::kFloat64).to(model_.dtype());
  }

  static void copy(const torch::Tensor &tensor, std::vector<double> &target)
  {
    const auto values = tensor.detach().to(torch::kFloat64).contiguous();
    const auto *data = values.data_ptr<double>();
    target.assign(data, data + values.numel());
  }

  std::string name_;
  TorchScriptModel model_;
  std::int64_t n_edges_ = 0;
  torch::Tensor edge_vectors_;
  TorchScriptModel::Output outputs_;
  std::vector<double> energy_, charge_, edge_gradient_;
};

} // namespace

} // namespace pair_les

extern "C" {

pair_les::Evaluator *pair_les_create_evaluator(const std::string &name, const std::string &archive,
                                               const pair_les::EvaluatorOptions &options,
                                               std::string &error)
{
  try {
    return new pair_les::TwoPhaseEvaluator(name, archive, options);
  } catch (const std::exception &exception) {
    error = exception.what();
    return nullptr;
  }
}

const char *pair_les_built_with_torch()
{
  return TORCH_VERSION;
}
}
