// SPDX-License-Identifier: MIT
// Evaluator on arrays of a device: tensors are views of the caller's memory, chunk by chunk on a CPU, at once on a GPU.

#include "array_evaluator.h"
#include "device.h"
#include "malloc_tuning.h"
#include "model_file.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <vector>

namespace pair_les {

namespace {

using torch::Tensor;

// Consecutive centres with the tape of their outputs.
struct Chunk {
  std::int64_t first_atom, n_atoms, first_edge, n_edges;
  Tensor edge_vectors;
  ModelFile::Output outputs;
};

class TorchArrayEvaluator : public ArrayEvaluator {
 public:
  TorchArrayEvaluator(const std::string &name, const std::string &archive,
                      const ArrayEvaluatorOptions &options) :
      name_(name), device_(torch_device(options.device)),
      model_(open_model_file(name, archive, device_)),
      chunk_atoms_(std::max(1, options.chunk_atoms))
  {
    at::set_num_threads(std::max(1, options.threads));
    const auto &long_range = model_->metadata().long_range;
    if (long_range && long_range->equilibrates())
      throw std::runtime_error("model file '" + name + "' needs charge equilibration, which " +
                               "pair_style les/kk does not have; type 'pair_style les' and run " +
                               "without -suffix kk");
  }

  bool double_precision() const override { return model_->dtype() == torch::kFloat64; }

  void forward(const GraphArrays &graph, double *energy, double *charge) override
  {
    n_edges_ = graph.n_edges;
    gradient_.reset();
    cut_into_chunks(graph);
    try {
      const auto energies = view(energy, {graph.n_local}, torch::kFloat64);
      const auto charges = charge ? view(charge, {graph.n_local}, torch::kFloat64) : Tensor();
      for (Chunk &chunk : chunks_) {
        chunk.edge_vectors = edges_of(graph, chunk);
        chunk.outputs = model_->forward(species_of(graph, chunk), index_of(graph, chunk),
                                        chunk.edge_vectors, chunk.n_atoms);
        const auto part = [&](const Tensor &all) {
          return all.narrow(0, chunk.first_atom, chunk.n_atoms);
        };
        part(energies).copy_(chunk.outputs.energy.detach());
        if (charge) part(charges).copy_(chunk.outputs.charge.detach());
      }
      synchronize(device_);
    } catch (const std::exception &error) {
      chunks_.clear();
      fail("forward", error);
    }
  }

  const void *backward(const double *potential) override
  {
    try {
      // where nothing depends on the edges nothing is written: zero then
      const auto options = torch::dtype(model_->dtype()).device(device_);
      if (chunks_.size() != 1) gradient_ = torch::zeros({n_edges_, 3}, options);
      for (Chunk &chunk : chunks_) {
        const auto part = differentiate(chunk, potential);
        chunk.outputs = {};
        chunk.edge_vectors.reset();
        if (chunks_.size() == 1)
          gradient_ = part.defined() ? part.contiguous() : torch::zeros({n_edges_, 3}, options);
        else if (part.defined())
          gradient_.narrow(0, chunk.first_edge, chunk.n_edges).copy_(part);
      }
      chunks_.clear();
      synchronize(device_);
    } catch (const std::exception &error) {
      chunks_.clear();
      fail("backward", error);
    }
    return gradient_.const_data_ptr();
  }

 private:
  // As in two_phase_evaluator.cpp: small temporaries stay in the cache of a CPU; a GPU wants much work at once.
  void cut_into_chunks(const GraphArrays &graph)
  {
    chunks_.clear();
    if (graph.n_local == 0) return; // a rank without atoms has nothing to ask the model
    const bool whole = !device_.is_cpu() || model_->metadata().message_passing_layers > 0;
    const std::int64_t most = whole ? graph.n_local : chunk_atoms_;
    const std::int64_t n_chunks = (graph.n_local + most - 1) / most;
    for (std::int64_t c = 0; c < n_chunks; ++c) {
      const std::int64_t begin = graph.n_local * c / n_chunks;
      const std::int64_t end = graph.n_local * (c + 1) / n_chunks;
      const std::int64_t first = n_chunks == 1 ? 0 : graph.first_edge[begin];
      const std::int64_t last = n_chunks == 1 ? graph.n_edges : graph.first_edge[end];
      chunks_.push_back({begin, end - begin, first, last - first, {}, {}});
    }
  }

  // Nobody writes through these tensors; from_blob knows no constant memory.
  template <class T>
  Tensor view(const T *data, c10::IntArrayRef shape, torch::ScalarType type) const
  {
    return torch::from_blob(const_cast<void *>(static_cast<const void *>(data)), shape,
                            torch::dtype(type).device(device_));
  }

  // The atoms of a chunk are its local atoms; after them come all atoms of the graph, as what they are neighbours of.
  Tensor species_of(const GraphArrays &graph, const Chunk &chunk) const
  {
    const auto all = view(graph.species, {graph.n_nodes}, torch::kInt64);
    if (chunks_.size() == 1) return all;
    return torch::cat({all.narrow(0, chunk.first_atom, chunk.n_atoms), all});
  }

  Tensor index_of(const GraphArrays &graph, const Chunk &chunk) const
  {
    const auto centre = view(graph.centre + chunk.first_edge, {chunk.n_edges}, torch::kInt64);
    const auto neighbour = view(graph.neighbour + chunk.first_edge, {chunk.n_edges}, torch::kInt64);
    if (chunks_.size() > 1)
      return torch::stack({centre - chunk.first_atom, neighbour + chunk.n_atoms});
    // rows that follow each other: no copy. The contract promises contiguous tensors
    if (graph.neighbour == graph.centre + graph.n_edges)
      return view(graph.centre, {2, graph.n_edges}, torch::kInt64);
    return torch::stack({centre, neighbour});
  }

  Tensor edges_of(const GraphArrays &graph, const Chunk &chunk) const
  {
    const auto size = torch::elementSize(model_->dtype());
    const auto *bytes = static_cast<const char *>(graph.edge_vectors);
    return view(bytes + 3 * size * chunk.first_edge, {chunk.n_edges, 3}, model_->dtype())
        .requires_grad_(true);
  }

  // an output that does not depend on the edges (no edges, fixed charges) is no part of the tape
  Tensor differentiate(const Chunk &chunk, const double *potential) const
  {
    std::vector<Tensor> outputs, seeds;
    const auto &energy = chunk.outputs.energy, &charge = chunk.outputs.charge;
    if (energy.requires_grad()) {
      outputs.push_back(energy);
      seeds.push_back(torch::ones_like(energy));
    }
    if (charge.defined() && charge.requires_grad()) {
      if (!potential)
        throw std::runtime_error("backward() of a model with charges needs the latent potential");
      outputs.push_back(charge);
      seeds.push_back(
          view(potential + chunk.first_atom, {chunk.n_atoms}, torch::kFloat64).to(model_->dtype()));
    }
    if (outputs.empty()) return {};
    return torch::autograd::grad(outputs, {chunk.edge_vectors}, seeds, false, false, true)[0];
  }

  [[noreturn]] void fail(const std::string &phase, const std::exception &error) const
  {
    const std::string message =
        "model file '" + name_ + "': " + phase + " pass failed: " + one_line(error);
    if (is_out_of_memory(error)) throw OutOfMemory(message);
    throw std::runtime_error(message);
  }

  std::string name_;
  torch::Device device_;
  std::unique_ptr<ModelFile> model_;
  std::int64_t chunk_atoms_, n_edges_ = 0;
  std::vector<Chunk> chunks_;
  Tensor gradient_;
};

} // namespace

} // namespace pair_les

extern "C" pair_les::ArrayEvaluator *
pair_les_create_array_evaluator(const std::string &name, const std::string &archive,
                                const pair_les::ArrayEvaluatorOptions &options, std::string &error)
{
  try {
    pair_les::keep_freed_memory();
    return new pair_les::TorchArrayEvaluator(name, archive, options);
  } catch (const std::exception &exception) {
    error = pair_les::one_line(exception);
    return nullptr;
  }
}
