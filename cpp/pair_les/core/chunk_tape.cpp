// SPDX-License-Identifier: MIT

#include "chunk_tape.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <tuple>
#include <utility>

namespace pair_les {

void ChunkTape::forward()
{
  const at::AutoGradMode tape(keeps_tape_);
  layers_.emplace_back();
  outputs_ = evaluate_last();
  if (keeps_tape_) chunk_.species = chunk_.edge_index = Tensor(); // what is needed is on the tape
}

void ChunkTape::send(int number, const Tensor &received, Tensor &sent)
{
  const at::AutoGradMode tape(keeps_tape_);
  Layer layer = received_layer(received);
  std::tie(layer.sent, layer.keeps) = evaluate(number, layer);
  sent.narrow(0, chunk_.first_atom, chunk_.n_atoms).copy_(layer.sent.detach());
  if (!keeps_tape_) layer.sent = Tensor();
  layers_.push_back(std::move(layer));
}

void ChunkTape::finish(const Tensor &received)
{
  const at::AutoGradMode tape(keeps_tape_);
  layers_.push_back(received_layer(received));
  outputs_ = evaluate_last();
}

torch::Tensor ChunkTape::uncertainty(const Tensor &received) const
{
  const at::AutoGradMode tape(false);
  if (!received.defined())
    return model_->uncertainty(chunk_.species, chunk_.edge_index, chunk_.edge_vectors,
                               chunk_.n_atoms);
  const Layer layer = received_layer(received);
  return model_->finish_uncertainty(chunk_.species, chunk_.edge_index, chunk_.edge_vectors,
                                    layer.received, layer.kept, chunk_.n_atoms);
}

ChunkTape::Output ChunkTape::outputs_on_tape()
{
  return keeps_tape_ ? outputs_ : evaluate_last();
}

ChunkTape::Layer ChunkTape::received_layer(const Tensor &rows) const
{
  Layer layer;
  if (!rows.defined())
    layer.received = torch::empty({chunk_.species.size(0), 0}, chunk_.edge_vectors.options());
  else
    layer.received = chunk_.nodes.defined() ? rows.index_select(0, chunk_.nodes) : rows.detach();
  layer.received.requires_grad_(true);
  if (layers_.empty()) return layer;
  for (const Tensor &kept : layers_.back().keeps) {
    layer.kept.push_back(kept.detach());
    if (kept.is_floating_point()) layer.kept.back().requires_grad_(true);
  }
  return layer;
}

ModelFile::Sent ChunkTape::evaluate(int number, const Layer &layer) const
{
  return model_->send(number, chunk_.species, chunk_.edge_index, chunk_.edge_vectors,
                      layer.received, layer.kept, chunk_.n_atoms);
}

ChunkTape::Output ChunkTape::evaluate_last() const
{
  const Layer &layer = layers_.back();
  if (!layer.received.defined())
    return model_->forward(chunk_.species, chunk_.edge_index, chunk_.edge_vectors, chunk_.n_atoms);
  return model_->finish(chunk_.species, chunk_.edge_index, chunk_.edge_vectors, layer.received,
                        layer.kept, chunk_.n_atoms);
}

torch::Tensor ChunkTape::differentiate_last(const std::vector<Tensor> &outputs,
                                            const std::vector<Tensor> &seeds, bool keep_tape,
                                            Tensor &received_adjoint)
{
  return gradient(layers_.back(), outputs, seeds, keep_tape, received_adjoint);
}

torch::Tensor ChunkTape::differentiate(int number, const Tensor &sent_adjoint, bool keep_tape,
                                       Tensor &received_adjoint)
{
  Layer layer = layers_[static_cast<std::size_t>(number)];
  if (!keeps_tape_) std::tie(layer.sent, layer.keeps) = evaluate(number, layer);
  std::vector<Tensor> outputs, seeds;
  if (layer.sent.requires_grad()) {
    outputs.push_back(layer.sent);
    seeds.push_back(sent_adjoint.narrow(0, chunk_.first_atom, chunk_.n_atoms));
  }
  for (std::size_t k = 0; k < layer.keeps.size(); ++k) {
    if (!layer.keeps[k].requires_grad() || !kept_adjoint_[k].defined()) continue;
    outputs.push_back(layer.keeps[k]);
    seeds.push_back(kept_adjoint_[k]);
  }
  return gradient(layer, outputs, seeds, keep_tape, received_adjoint);
}

void ChunkTape::drop_outputs()
{
  outputs_ = {};
  // layers before the last still need it
  if (layers_.size() == 1) chunk_.edge_vectors = Tensor();
}

torch::Tensor ChunkTape::gradient(const Layer &layer, const std::vector<Tensor> &outputs,
                                  const std::vector<Tensor> &seeds, bool keep_tape,
                                  Tensor &received_adjoint)
{
  kept_adjoint_.assign(layer.kept.size(), Tensor());
  if (outputs.empty()) return {};
  std::vector<Tensor> inputs{chunk_.edge_vectors};
  if (layer.received.defined()) inputs.push_back(layer.received);
  std::vector<std::size_t> differentiable;
  for (std::size_t k = 0; k < layer.kept.size(); ++k)
    if (layer.kept[k].requires_grad()) {
      differentiable.push_back(k);
      inputs.push_back(layer.kept[k]);
    }
  const auto adjoints =
      torch::autograd::grad(outputs, inputs, seeds, keep_tape, false, /*allow_unused=*/true);
  for (std::size_t n = 0; n < differentiable.size(); ++n)
    kept_adjoint_[differentiable[n]] = adjoints[2 + n];
  if (received_adjoint.defined() && adjoints[1].defined()) {
    if (chunk_.nodes.defined())
      received_adjoint.index_add_(0, chunk_.nodes, adjoints[1]);
    else
      received_adjoint.add_(adjoints[1]);
  }
  return adjoints[0];
}

} // namespace pair_les
