// SPDX-License-Identifier: MIT
// Evaluator over a model file: forward keeps the autograd tape, backward walks it once. Chunk by chunk on a CPU, at once on a
// GPU; on arrays of the host, which are copied to the device of the network, or on arrays of that device.

#include "chunk_tape.h"
#include "device.h"
#include "evaluation_failure.h"
#include "evaluator.h"
#include "long_range.h"
#include "malloc_tuning.h"
#include "model_file.h"
#include "seeded_outputs.h"
#include "tape_memory.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <stdexcept>

namespace pair_les {

namespace {

// Where the results of a forward pass go, [n_local] each: memory of the host, or of the device where the graph is there.
struct Results {
  double *energy = nullptr, *charge = nullptr, *electronegativity = nullptr, *hardness = nullptr;
};

class TwoPhaseEvaluator : public Evaluator {
 public:
  TwoPhaseEvaluator(const std::string &name, const std::string &archive,
                    const EvaluatorOptions &options) :
      name_(name), device_(torch_device(options.device)),
      model_(open_model_file(name, archive, device_)),
      memory_(options.tape_bytes, std::max(1, options.chunk_atoms))
  {
    at::set_num_threads(std::max(1, options.threads));
  }

  const Metadata &metadata() const override { return model_->metadata(); }
  bool double_precision() const override { return model_->dtype() == torch::kFloat64; }
  const std::vector<double> &energy() const override { return energy_; }
  const std::vector<double> &charge() const override { return charge_; }
  const std::vector<double> &electronegativity() const override { return electronegativity_; }
  const std::vector<double> &hardness() const override { return hardness_; }
  const std::vector<double> &edge_gradient() const override { return edge_gradient_; }
  const void *device_edge_gradient() const override { return gradient_.const_data_ptr(); }

  void forward(const Graph &graph, MessageExchange *exchange) override
  {
    energy_.resize(static_cast<std::size_t>(graph.n_local));
    charge_.resize(metadata().long_range && !equilibrates() ? energy_.size() : 0);
    electronegativity_.resize(equilibrates() ? energy_.size() : 0);
    hardness_.resize(electronegativity_.size());
    run(view_of(graph),
        {energy_.data(), charge_.data(), electronegativity_.data(), hardness_.data()}, exchange);
  }

  void forward(const DeviceGraph &graph, double *energy, double *charge) override
  {
    if (equilibrates())
      throw std::runtime_error("model file '" + name_ + "' needs charge equilibration, which " +
                               "arrays of a device do not have");
    run({graph, model_->dtype(), true}, {energy, charge}, nullptr);
  }

  void backward(const double *potential) override
  {
    differentiate(
        false, [&](const GraphChunk &chunk, const ModelFile::Output &outputs, SeededOutputs &sum) {
          sum.add(outputs.energy, [](const auto &e) { return torch::ones_like(e); });
          sum.add(outputs.charge, [&](const auto &) { return seed_tensor(potential, chunk); });
          add_equilibration(potential, chunk, outputs, sum);
        });
    chunks_.clear();
  }

  void charge_gradient(const double *weight) override
  {
    differentiate(
        true, [&](const GraphChunk &chunk, const ModelFile::Output &outputs, SeededOutputs &sum) {
          sum.add(outputs.charge, [&](const auto &) { return seed_tensor(weight, chunk); });
        });
  }

  void member_gradient(int member, const double *potential) override
  {
    const auto of_member = [member](const torch::Tensor &all) {
      return all.defined() ? all[member] : all;
    };
    differentiate(true, [&](const GraphChunk &chunk, const ModelFile::Output &outputs,
                            SeededOutputs &sum) {
      sum.add(of_member(outputs.member_energy), [](const auto &e) { return torch::ones_like(e); });
      sum.add(of_member(outputs.member_charge),
              [&](const auto &) { return seed_tensor(potential, chunk); });
    });
  }

  std::vector<double> member_charge(int member) const override
  {
    std::vector<double> charge(charge_.size());
    for (const ChunkTape &tape : chunks_)
      if (tape.outputs().member_charge.defined())
        write(tape.chunk(), tape.outputs().member_charge[member], charge.data());
    return charge;
  }

  std::vector<double> energy_uncertainty(const Graph &graph, MessageExchange *exchange) override
  {
    if (!metadata().uncertainty)
      throw std::runtime_error("model file '" + name_ + "' has no uncertainties");
    std::vector<double> result(static_cast<std::size_t>(graph.n_local));
    const GraphView view = view_of(graph);
    start_pass(view, exchange);
    GraphCutter cutter(view, most_atoms(view.arrays), model_->dtype(), device_);
    const auto received = exchange_ ? pass_messages(cutter, false) : torch::Tensor();
    const auto failure = attempt("uncertainty", [&] {
      while (!cutter.at_end()) add_chunk(cutter, false);
      for (const ChunkTape &tape : chunks_)
        write(tape.chunk(), tape.uncertainty(received), result.data());
    });
    chunks_.clear();
    failure.raise();
    return result;
  }

 private:
  bool equilibrates() const
  {
    return metadata().long_range && metadata().long_range->equilibrates();
  }

  void start_pass(const GraphView &graph, MessageExchange *exchange)
  {
    n_edges_ = graph.arrays.n_edges;
    n_nodes_ = graph.arrays.n_nodes;
    on_device_ = graph.on_device;
    exchange_ = exchange;
    chunks_.clear();
    gradient_.reset();
  }

  void run(const GraphView &graph, const Results &results, MessageExchange *exchange)
  {
    start_pass(graph, exchange);
    measure_memory(graph);
    GraphCutter cutter(graph, most_atoms(graph.arrays), model_->dtype(), device_);
    memory_.start_pass();
    const auto received = exchange_ ? pass_messages(cutter) : torch::Tensor();
    const auto failure = attempt("forward", [&] {
      while (!cutter.at_end()) add_chunk(cutter).forward();
      for (ChunkTape &tape : chunks_) {
        if (exchange_) tape.finish(received);
        const ModelFile::Output &outputs = tape.outputs();
        write(tape.chunk(), outputs.energy, results.energy);
        write(tape.chunk(), outputs.charge, results.charge);
        write(tape.chunk(), outputs.electronegativity, results.electronegativity);
        write(tape.chunk(), outputs.hardness, results.hardness);
      }
      if (on_device_) synchronize(device_);
      check_hardness();
    });
    if (!failure.message.empty()) chunks_.clear();
    failure.raise();
  }

  // chi_i q_i + eta_i q_i^2 / 2 at fixed charges
  void add_equilibration(const double *charge, const GraphChunk &chunk,
                         const ModelFile::Output &outputs, SeededOutputs &sum) const
  {
    sum.add(outputs.electronegativity, [&](const auto &) { return seed_tensor(charge, chunk); });
    sum.add(outputs.hardness, [&](const auto &) {
      const auto q = seed_tensor(charge, chunk);
      return 0.5 * q * q;
    });
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

  // A network that gets edges of local atoms only sees its centers a part at a time, so that its temporaries stay in the
  // cache and small enough for malloc to keep. A GPU wants much work at once.
  bool takes_graph_whole() const
  {
    return (metadata().message_passing_layers > 0 && !exchange_) || !device_.is_cpu();
  }

  std::int64_t most_atoms(const DeviceGraph &graph) const
  {
    return takes_graph_whole() ? std::max<std::int64_t>(1, graph.n_local)
                               : memory_.chunk_atoms(graph.n_local, graph.n_edges);
  }

  ChunkTape &add_chunk(GraphCutter &cutter, bool differentiable = true)
  {
    GraphChunk chunk = cutter.next();
    const bool keeps =
        differentiable && (takes_graph_whole() || memory_.keeps(chunk.n_atoms, chunk.n_edges));
    return chunks_.emplace_back(*model_, std::move(chunk), keeps ? Tape::kept : Tape::recomputed);
  }

  // Evaluates a few atoms for the memory that they need; a failure is one of the forward pass, too, which reports it.
  void measure_memory(const GraphView &graph)
  {
    if (memory_.measured() || takes_graph_whole() ||
        graph.arrays.n_local < TapeMemory::ATOMS_TO_MEASURE)
      return;
    attempt("forward", [&] {
      GraphCutter cutter(graph, TapeMemory::ATOMS_TO_MEASURE, model_->dtype(), device_);
      const auto bytes = bytes_left_by([&] {
        ChunkTape &tape = chunks_.emplace_back(*model_, cutter.next(), Tape::kept);
        if (!exchange_) return tape.forward();
        torch::Tensor messages;
        for (int layer = 0; layer < metadata().message_passing_layers; ++layer) {
          auto sent = message_rows(layer);
          tape.send(layer, messages, sent);
          messages = sent;
        }
        tape.finish(messages);
      });
      const GraphChunk &chunk = chunks_.front().chunk();
      memory_.measure(chunk.n_atoms, chunk.n_edges, bytes);
    });
    chunks_.clear();
  }

  // The layers before the last, of all chunks; messages that arrive at the last one, [n_nodes, features].
  torch::Tensor pass_messages(GraphCutter &cutter, bool differentiable = true)
  {
    auto failure = attempt("forward", [&] {
      while (!cutter.at_end()) add_chunk(cutter, differentiable);
    });
    torch::Tensor messages;
    for (int layer = 0; layer < metadata().message_passing_layers; ++layer) {
      auto sent = message_rows(layer);
      if (failure.message.empty())
        failure = attempt("forward", [&] {
          for (ChunkTape &tape : chunks_) tape.send(layer, messages, sent);
          sent = sent.to(torch::kCPU); // where messages are exchanged
        });
      exchange_->agree(failure.message);
      exchange_->forward(rows_of(sent));
      messages = sent.to(device_);
    }
    return messages;
  }

  torch::Tensor message_rows(int layer) const
  {
    const auto width = metadata().message_features[static_cast<std::size_t>(layer)];
    return torch::zeros({n_nodes_, width}, torch::dtype(model_->dtype()).device(device_));
  }

  static NodeRows rows_of(torch::Tensor &rows)
  {
    return {rows.data_ptr(), static_cast<int>(rows.size(1)), rows.scalar_type() == torch::kFloat64};
  }

  // The gradient of what `collect` adds for each chunk: in edge_gradient(), or on the device where the graph is there.
  template <class Collect> void differentiate(bool keep_tape, const Collect &collect)
  {
    clear_gradient();
    const int n_layers = exchange_ ? metadata().message_passing_layers : 0;
    auto adjoint = n_layers > 0 ? message_rows(n_layers - 1) : torch::Tensor();
    auto failure = attempt("backward", [&] {
      for (ChunkTape &tape : chunks_) {
        SeededOutputs sum;
        collect(tape.chunk(), tape.outputs_on_tape(), sum);
        add_to_edges(tape.chunk(),
                     tape.differentiate_last(sum.outputs, sum.seeds, keep_tape, adjoint));
        if (!keep_tape) tape.drop_outputs();
      }
      if (n_layers > 0) adjoint = adjoint.to(torch::kCPU);
    });
    for (int layer = n_layers - 1; layer >= 0; --layer) {
      exchange_->agree(failure.message);
      exchange_->reverse(rows_of(adjoint));
      adjoint = adjoint.to(device_);
      auto before = layer > 0 ? message_rows(layer - 1) : torch::Tensor();
      failure = attempt("backward", [&] {
        for (ChunkTape &tape : chunks_)
          add_to_edges(tape.chunk(), tape.differentiate(layer, adjoint, keep_tape, before));
        if (layer > 0) before = before.to(torch::kCPU);
      });
      adjoint = before;
    }
    failure.raise();
    if (!gradient_.defined()) gradient_ = zero_gradient();
    if (on_device_) synchronize(device_);
  }

  // Where nothing depends on the edges nothing is added.
  void clear_gradient()
  {
    gradient_.reset();
    if (on_device_) {
      if (chunks_.size() != 1) gradient_ = zero_gradient();
      return;
    }
    edge_gradient_.assign(static_cast<std::size_t>(3 * n_edges_), 0.0);
    gradient_ = torch::from_blob(edge_gradient_.data(), {n_edges_, 3}, torch::kFloat64);
  }

  torch::Tensor zero_gradient() const
  {
    return torch::zeros({n_edges_, 3}, torch::dtype(model_->dtype()).device(device_));
  }

  void add_to_edges(const GraphChunk &chunk, const torch::Tensor &gradient)
  {
    if (!gradient.defined()) return;
    if (!gradient_.defined()) // that of the only chunk, without a copy
      gradient_ = gradient.contiguous();
    else
      gradient_.narrow(0, chunk.first_edge, chunk.n_edges).add_(gradient.to(gradient_.device()));
  }

  template <class Action> Failure attempt(const std::string &phase, const Action &action) const
  {
    try {
      action();
    } catch (const std::exception &error) {
      return {"model file '" + name_ + "': " + phase + " pass failed: " + one_line(error),
              is_out_of_memory(error)};
    }
    return {};
  }

  // [n_local] numbers of the caller that belong to the chunk
  torch::Tensor part_of(const double *values, const GraphChunk &chunk) const
  {
    return torch::from_blob(
        const_cast<double *>(values) + chunk.first_atom, {chunk.n_atoms},
        torch::dtype(torch::kFloat64).device(on_device_ ? device_ : torch::Device(torch::kCPU)));
  }

  void write(const GraphChunk &chunk, const torch::Tensor &output, double *results) const
  {
    if (!output.defined() || !results) return;
    const auto target = part_of(results, chunk);
    target.copy_(output.detach().to(target.device()));
  }

  // values of the chunk's atoms in the model's precision
  torch::Tensor seed_tensor(const double *values, const GraphChunk &chunk) const
  {
    if (!values)
      throw std::runtime_error("backward() of a model with charges needs the latent potential");
    return part_of(values, chunk).to(device_, model_->dtype());
  }

  std::string name_;
  torch::Device device_; // on a CPU nothing is copied to or from it
  std::unique_ptr<ModelFile> model_;
  TapeMemory memory_;
  std::int64_t n_edges_ = 0, n_nodes_ = 0;
  MessageExchange *exchange_ = nullptr; // of the present forward()
  std::vector<ChunkTape> chunks_;
  bool on_device_ = false; // the arrays of the caller
  std::vector<double> energy_, charge_, electronegativity_, hardness_, edge_gradient_;
  torch::Tensor gradient_; // a view of edge_gradient_, or on the device
};

} // namespace

} // namespace pair_les

extern "C" {

pair_les::Evaluator *pair_les_create_evaluator(const std::string &name, const std::string &archive,
                                               const pair_les::EvaluatorOptions &options,
                                               std::string &error)
{
  try {
    pair_les::keep_freed_memory();
    return new pair_les::TwoPhaseEvaluator(name, archive, options);
  } catch (const std::exception &exception) {
    error = pair_les::one_line(exception);
    return nullptr;
  }
}
}
