// SPDX-License-Identifier: MIT
// The two-phase evaluation on arrays that already lie in the memory of a device, without a copy on the way in.
// Free of torch headers, for the same reason as evaluator.h.

#ifndef PAIR_LES_CORE_ARRAY_EVALUATOR_H
#define PAIR_LES_CORE_ARRAY_EVALUATOR_H

#include "torch_device.h"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pair_les {

struct ArrayEvaluatorOptions {
  int threads = 1;        // intra-op threads of torch in this process
  int chunk_atoms = 1024; // on a CPU, most centres that a strictly local model gets at once
  TorchDevice device;
};

// A graph as evaluator.h has it. Every pointer is to memory of the device and stays the caller's; the arrays are used until
// backward() has returned, and whatever writes them must have ended before forward() is called.
struct GraphArrays {
  std::int64_t n_local = 0, n_nodes = 0, n_edges = 0;
  const std::int64_t *species = nullptr;    // [n_nodes]
  const std::int64_t *centre = nullptr;     // [n_edges] ascending
  const std::int64_t *neighbour = nullptr;  // [n_edges]
  const std::int64_t *first_edge = nullptr; // [n_local + 1]; read on a CPU only
  const void *edge_vectors = nullptr;       // [n_edges * 3] angstrom, float or double as the model
};

// Did not fit into memory. The message names no atoms and edges: the caller knows those of its rank.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ArrayEvaluator {
 public:
  virtual ~ArrayEvaluator() = default;

  virtual bool double_precision() const = 0; // of edge vectors and their gradient

  // Phase 1. Writes energy [n_local] eV, without the reference energies of the metadata, and, for a model with charges,
  // charge [n_local] e to memory of the device, and keeps the tape. `charge` is nullptr for a model without charges.
  virtual void forward(const GraphArrays &graph, double *energy, double *charge) = 0;

  // Phase 2, once per forward(): d(sum_i e_i + sum_i potential_i q_i) / d edge_vectors at fixed potential [n_local], V.
  // `potential` is nullptr for a model without charges. The result, [n_edges * 3] in the precision of the model, is in
  // memory of the device, belongs to the evaluator and is valid until its next call.
  virtual const void *backward(const double *potential) = 0;

  // Both have been carried out, not only queued, when they return. They throw std::runtime_error with a one-line message;
  // OutOfMemory is one.
};

// Entry point of the core library, looked up by name; `archive`, `name` and `error` as in evaluator.h.
using CreateArrayEvaluator = ArrayEvaluator *(const std::string &name, const std::string &archive,
                                              const ArrayEvaluatorOptions &options,
                                              std::string &error);

} // namespace pair_les

extern "C" pair_les::ArrayEvaluator *
pair_les_create_array_evaluator(const std::string &name, const std::string &archive,
                                const pair_les::ArrayEvaluatorOptions &options, std::string &error);

#endif
