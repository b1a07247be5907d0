// SPDX-License-Identifier: MIT
// A chunk of atoms in a network that is cut at its layers: the tapes of its layers, and what goes in and out between them.

#ifndef PAIR_LES_CORE_LAYERED_TAPE_H
#define PAIR_LES_CORE_LAYERED_TAPE_H

#include "graph_chunks.h"
#include "model_file.h"

#include <utility>
#include <vector>

namespace pair_les {

class LayeredTape {
 public:
  using Tensor = torch::Tensor;

  LayeredTape(ModelFile &model, GraphChunk chunk) : model_(&model), chunk_(std::move(chunk)) {}

  // Layers 0, 1, ... before the last. Messages are rows [n_nodes, message_features] of all nodes: `received` those of the
  // layer before (undefined for layer 0), `sent` where those of the chunk's atoms go.
  void send(int layer, const Tensor &received, Tensor &sent);

  // The last one.
  ModelFile::Output finish(const Tensor &received);

  // Gradient in the edge vectors (undefined: zero) of sum(seeds * outputs) by the last layer; what it is in the received
  // messages is added to the rows of `received_adjoint`.
  Tensor differentiate_last(const std::vector<Tensor> &outputs, const std::vector<Tensor> &seeds,
                            bool keep_tape, Tensor &received_adjoint);

  // The same by a layer before, from the rows of `sent_adjoint`. `received_adjoint` is undefined for layer 0.
  Tensor differentiate(int layer, const Tensor &sent_adjoint, bool keep_tape,
                       Tensor &received_adjoint);

 private:
  struct Layer {
    Tensor received;          // leaf
    std::vector<Tensor> kept; // leaves
    Tensor sent;
    std::vector<Tensor> keeps;
  };

  void receive(Layer &layer, const Tensor &rows) const;
  Tensor gradient(const Layer &layer, const std::vector<Tensor> &outputs,
                  const std::vector<Tensor> &seeds, bool keep_tape, Tensor &received_adjoint);

  ModelFile *model_;
  GraphChunk chunk_;
  std::vector<Layer> layers_;
  std::vector<Tensor> kept_adjoint_; // of what the layer above got
};

} // namespace pair_les

#endif
