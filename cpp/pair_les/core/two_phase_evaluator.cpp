// SPDX-License-Identifier: MIT
// Evaluator over a model file: forward keeps the autograd tape, backward walks it once. Chunk by chunk.

#include "evaluator.h"
#include "long_range.h"
#include "model_file.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <algorithm>
#include <stdexcept>

namespace pair_les {

namespace {

// Consecutive centres with the tape of their outputs.
struct Chunk {
  std::int64_t first_atom, n_atoms, first_edge, n_edges;
  torch::Tensor edge_vectors;
  ModelFile::Output outputs;
};

class TwoPhaseEvaluator : public Evaluator {
 public:
  TwoPhaseEvaluator(const std::string &name, const std::string &archive,
                    const EvaluatorOptions &options) :
      name_(name), model_(open_model_file(name, archive)),
      chunk_atoms_(std::max(1, options.chunk_atoms))
  {
    at::set_num_threads(std::max(1, options.threads));
  }

  const Metadata &metadata() const override { return model_->metadata(); }
  const std::vector<double> &energy() const override { return energy_; }
  const std::vector<double> &charge() const override { return charge_; }
  const std::vector<double> &electronegativity() const override { return electronegativity_; }
  const std::vector<double> &hardness() const override { return hardness_; }
  const std::vector<double> &edge_gradient() const override { return edge_gradient_; }

  void forward(const Graph &graph) override
  {
    n_edges_ = graph.n_edges();
    energy_.resize(static_cast<std::size_t>(graph.n_local));
    const bool equilibrates = metadata().long_range && metadata().long_range->equilibrates();
    charge_.resize(metadata().long_range && !equilibrates ? energy_.size() : 0);
    electronegativity_.resize(equilibrates ? energy_.size() : 0);
    hardness_.resize(electronegativity_.size());
    cut_into_chunks(graph);
    try {
      for (Chunk &chunk : chunks_) {
        chunk.edge_vectors = edge_tensor(graph, chunk);
        chunk.outputs =
            model_->forward(species_tensor(graph, chunk), edge_index_tensor(graph, chunk),
                            chunk.edge_vectors, chunk.n_atoms);
        copy(chunk.outputs.energy, energy_.data() + chunk.first_atom);
        if (chunk.outputs.charge.defined())
          copy(chunk.outputs.charge, charge_.data() + chunk.first_atom);
        if (chunk.outputs.hardness.defined()) {
          copy(chunk.outputs.electronegativity, electronegativity_.data() + chunk.first_atom);
          copy(chunk.outputs.hardness, hardness_.data() + chunk.first_atom);
        }
      }
      check_hardness();
    } catch (const std::exception &error) {
      chunks_.clear();
      fail("forward", error);
    }
  }

  void backward(const double *potential) override
  {
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    for (Chunk &chunk : chunks_) {
      // an output that does not depend on the edges (no edges, fixed charges) is no part of the tape
      std::vector<torch::Tensor> outputs, seeds;
      if (chunk.outputs.energy.requires_grad()) {
        outputs.push_back(chunk.outputs.energy);
        seeds.push_back(torch::ones_like(chunk.outputs.energy));
      }
      if (chunk.outputs.charge.defined() && chunk.outputs.charge.requires_grad()) {
        outputs.push_back(chunk.outputs.charge);
        seeds.push_back(seed_tensor(potential, chunk));
      }
      add_equilibration(potential, chunk, outputs, seeds);
      differentiate(chunk, outputs, seeds, false);
      chunk.outputs = {};
      chunk.edge_vectors.reset();
    }
    chunks_.clear();
  }

  void charge_gradient(const double *weight) override
  {
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    for (const Chunk &chunk : chunks_)
      if (chunk.outputs.charge.defined() && chunk.outputs.charge.requires_grad())
        differentiate(chunk, {chunk.outputs.charge}, {seed_tensor(weight, chunk)}, true);
  }

  void member_gradient(int member, const double *potential) override
  {
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    for (const Chunk &chunk : chunks_) {
      std::vector<torch::Tensor> outputs, seeds;
      if (chunk.outputs.member_energy.requires_grad()) {
        outputs.push_back(chunk.outputs.member_energy[member]);
        seeds.push_back(torch::ones_like(outputs.back()));
      }
      if (chunk.outputs.member_charge.defined() && chunk.outputs.member_charge.requires_grad()) {
        outputs.push_back(chunk.outputs.member_charge[member]);
        seeds.push_back(seed_tensor(potential, chunk));
      }
      differentiate(chunk, outputs, seeds, true);
    }
  }

  std::vector<double> member_charge(int member) const override
  {
    std::vector<double> charge(charge_.size());
    for (const Chunk &chunk : chunks_)
      if (chunk.outputs.member_charge.defined())
        copy(chunk.outputs.member_charge[member], charge.data() + chunk.first_atom);
    return charge;
  }

 private:
  // chi_i q_i + eta_i q_i^2 / 2 at fixed charges
  void add_equilibration(const double *charge, const Chunk &chunk,
                         std::vector<torch::Tensor> &outputs, std::vector<torch::Tensor> &seeds)
  {
    const auto &chi = chunk.outputs.electronegativity, &eta = chunk.outputs.hardness;
    if (!eta.defined() || !(chi.requires_grad() || eta.requires_grad())) return;
    const auto q = seed_tensor(charge, chunk);
    if (chi.requires_grad()) {
      outputs.push_back(chi);
      seeds.push_back(q);
    }
    if (eta.requires_grad()) {
      outputs.push_back(eta);
      seeds.push_back(0.5 * q * q);
    }
  }

  // Below this bound there are configurations without an energy minimum. NaN is left to the caller.
  void check_hardness() const
  {
    if (hardness_.empty()) return;
    const double bound = lowest_hardness(*metadata().long_range);
    for (const double value : hardness_)
      if (value <= bound)
        throw std::runtime_error(
            "a hardness is " + std::to_string(value) + " eV/e^2 but must be > " +
            std::to_string(bound) +
            (bound > 0.0 ? ", that of a Gaussian charge alone (self_interaction false)" : ""));
  }

  // A strictly local model sees its centres a part at a time, so that its temporaries stay in the cache and small enough
  // for malloc to keep. A rank without atoms has nothing to ask the model.
  void cut_into_chunks(const Graph &graph)
  {
    const std::int64_t most = metadata().message_passing_layers == 0
                                  ? chunk_atoms_
                                  : std::max<std::int64_t>(1, graph.n_local);
    const std::int64_t n_chunks = (graph.n_local + most - 1) / most;
    chunks_.clear();
    std::int64_t edge = 0;
    for (std::int64_t c = 0; c < n_chunks; ++c) {
      const std::int64_t begin = graph.n_local * c / n_chunks;
      const std::int64_t end = graph.n_local * (c + 1) / n_chunks;
      const auto after =
          n_chunks == 1 ? graph.centre.end()
                        : std::lower_bound(graph.centre.begin() + edge, graph.centre.end(), end);
      const std::int64_t last = after - graph.centre.begin();
      chunks_.push_back({begin, end - begin, edge, last - edge, {}, {}});
      edge = last;
    }
  }

  // sum of seed * output into the chunk's part of edge_gradient_, which is already zero
  void differentiate(const Chunk &chunk, const std::vector<torch::Tensor> &outputs,
                     const std::vector<torch::Tensor> &seeds, bool keep_tape)
  {
    if (outputs.empty()) return;
    try {
      const auto gradient =
          torch::autograd::grad(outputs, {chunk.edge_vectors}, seeds, keep_tape, false, true)[0];
      if (gradient.defined()) copy(gradient, edge_gradient_.data() + 3 * chunk.first_edge);
    } catch (const std::exception &error) {
      fail("backward", error);
    }
  }

  [[noreturn]] void fail(const std::string &phase, const std::exception &error) const
  {
    throw std::runtime_error("model file '" + name_ + "': " + phase +
                             " pass failed: " + one_line(error));
  }

  // The atoms of a chunk are its local atoms; after them come all atoms of the graph, as what they are neighbours of.
  std::int64_t neighbour_offset(const Chunk &chunk) const
  {
    return chunks_.size() == 1 ? 0 : chunk.n_atoms;
  }

  torch::Tensor species_tensor(const Graph &graph, const Chunk &chunk) const
  {
    const std::int64_t offset = neighbour_offset(chunk);
    auto species = torch::empty({offset + graph.n_nodes()}, torch::kInt64);
    auto *data = species.data_ptr<std::int64_t>();
    std::copy_n(graph.species.begin() + chunk.first_atom, offset, data);
    std::copy(graph.species.begin(), graph.species.end(), data + offset);
    return species;
  }

  torch::Tensor edge_index_tensor(const Graph &graph, const Chunk &chunk) const
  {
    const std::int64_t offset = neighbour_offset(chunk);
    auto index = torch::empty({2, chunk.n_edges}, torch::kInt64);
    auto *centre = index.data_ptr<std::int64_t>();
    auto *neighbour = centre + chunk.n_edges;
    for (std::int64_t e = 0; e < chunk.n_edges; ++e) {
      const auto from = static_cast<std::size_t>(chunk.first_edge + e);
      centre[e] = graph.centre[from] - chunk.first_atom;
      neighbour[e] = graph.neighbour[from] + offset;
    }
    return index;
  }

  torch::Tensor edge_tensor(const Graph &graph, const Chunk &chunk) const
  {
    auto vectors = torch::empty({chunk.n_edges, 3}, model_->dtype());
    const auto from = graph.edge_vectors.begin() + 3 * chunk.first_edge;
    if (model_->dtype() == torch::kFloat64)
      std::copy_n(from, 3 * chunk.n_edges, vectors.data_ptr<double>());
    else
      std::copy_n(from, 3 * chunk.n_edges, vectors.data_ptr<float>());
    return vectors.requires_grad_(true);
  }

  // values of the chunk's atoms in the model's precision
  torch::Tensor seed_tensor(const double *values, const Chunk &chunk) const
  {
    if (!values)
      throw std::runtime_error("backward() of a model with charges needs the latent potential");
    auto *data = const_cast<double *>(values) + chunk.first_atom;
    return torch::from_blob(data, {chunk.n_atoms}, torch::kFloat64).to(model_->dtype());
  }

  static void copy(const torch::Tensor &tensor, double *target)
  {
    const auto values = tensor.detach().contiguous();
    if (values.scalar_type() == torch::kFloat64)
      std::copy_n(values.data_ptr<double>(), values.numel(), target);
    else
      std::copy_n(values.data_ptr<float>(), values.numel(), target);
  }

  std::string name_;
  std::unique_ptr<ModelFile> model_;
  std::int64_t chunk_atoms_;
  std::int64_t n_edges_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<double> energy_, charge_, electronegativity_, hardness_, edge_gradient_;
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
