// SPDX-License-Identifier: MIT
// Forward and backward pass of a network on one chunk of a graph, at once or layer by layer.

#ifndef PAIR_LES_CORE_CHUNK_TAPE_H
#define PAIR_LES_CORE_CHUNK_TAPE_H

#include "graph_chunks.h"
#include "model_file.h"

#include <utility>
#include <vector>

namespace pair_les {

// What the backward pass of a chunk starts from.
enum class Tape {
  kept,      // all intermediate results of the forward pass
  recomputed // the inputs of each layer, which is evaluated once more (checkpointing: Chen et al. 2016, arXiv:1604.06174)
};

class ChunkTape {
 public:
  using Tensor = torch::Tensor;
  using Output = ModelFile::Output;

  ChunkTape(ModelFile &model, GraphChunk chunk, Tape tape) :
      model_(&model), chunk_(std::move(chunk)), keeps_tape_(tape == Tape::kept)
  {}

  const GraphChunk &chunk() const { return chunk_; }

  // The whole network, in place of send() and finish().
  void forward();

  // Layers 0, 1, ... before the last. Messages are rows [n_nodes, message_features] of all nodes: `received` those of the
  // layer before (undefined for layer 0), `sent` where those of the chunk's atoms go.
  void send(int layer, const Tensor &received, Tensor &sent);

  // The last one.
  void finish(const Tensor &received);

  // Uncertainties of the energies, float64 [n_atoms] eV, in place of forward() (undefined `received`) or finish(). Leaves
  // nothing to differentiate.
  Tensor uncertainty(const Tensor &received) const;

  const Output &outputs() const { return outputs_; }

  // Outputs that differentiate_last() differentiates.
  Output outputs_on_tape();

  // Gradient in the edge vectors (undefined: zero) of sum(seeds * outputs) by the whole network or its last layer; what it is
  // in the received messages is added to the rows of `received_adjoint` where these are defined.
  Tensor differentiate_last(const std::vector<Tensor> &outputs, const std::vector<Tensor> &seeds,
                            bool keep_tape, Tensor &received_adjoint);

  // The same by a layer before, from the rows of `sent_adjoint`. `received_adjoint` is undefined for layer 0.
  Tensor differentiate(int layer, const Tensor &sent_adjoint, bool keep_tape,
                       Tensor &received_adjoint);

  // Frees what differentiate_last() is not called for again.
  void drop_outputs();

 private:
  struct Layer {
    Tensor received;          // leaf; undefined in the whole network
    std::vector<Tensor> kept; // leaves
    Tensor sent;
    std::vector<Tensor> keeps;
  };

  Layer received_layer(const Tensor &rows) const;
  ModelFile::Sent evaluate(int number, const Layer &layer) const;
  Output evaluate_last() const;
  Tensor gradient(const Layer &layer, const std::vector<Tensor> &outputs,
                  const std::vector<Tensor> &seeds, bool keep_tape, Tensor &received_adjoint);

  ModelFile *model_;
  GraphChunk chunk_;
  bool keeps_tape_;
  std::vector<Layer> layers_;
  Output outputs_;
  std::vector<Tensor> kept_adjoint_; // of what the layer above got
};

} // namespace pair_les

#endif
