// SPDX-License-Identifier: MIT
// The two-phase evaluation of a deployed model; the one interface that LAMMPS styles and bindings use.
// Free of torch headers, so that a caller may load the torch-linked implementation at run time.

#ifndef PAIR_LES_CORE_EVALUATOR_H
#define PAIR_LES_CORE_EVALUATOR_H

#include "edges.h"
#include "message_exchange.h"
#include "metadata.h"
#include "torch_device.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace pair_les {

struct EvaluatorOptions {
  int threads = 1; // intra-op threads of torch in this process
  // On a CPU a model whose edges have local centers gets at most so many of them at once, and keeps intermediate results for
  // the backward pass up to so many bytes; beyond that the backward pass computes them once more.
  int chunk_atoms = 1024;
  std::int64_t tape_bytes = 2'000'000'000;
  TorchDevice device; // where the network is evaluated
};

// A graph as in edges.h whose arrays already lie in memory of the evaluator's device and stay the caller's.
struct DeviceGraph {
  std::int64_t n_local = 0, n_nodes = 0, n_edges = 0;
  const std::int64_t *species = nullptr;  // [n_nodes]
  const std::int64_t *center = nullptr;   // [n_edges] ascending
  const std::int64_t *neighbor = nullptr; // [n_edges]
  const void *edge_vectors = nullptr;     // [n_edges * 3] angstrom, see double_precision()
};

// The network did not fit into memory. The message names no atoms and edges: the caller knows those of its rank.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  virtual const Metadata &metadata() const = 0;
  virtual bool double_precision() const = 0; // of the network

  // Phase 1. Fills energy() and charge(), or with charge equilibration electronegativity() and hardness(), of the local
  // nodes and keeps the tape for backward().
  // With `exchange`, of a model with metadata().message_features: edges of the graph have local centers only, messages of
  // ghosts come from where these are local, and every later call until the next forward() sends what it owes them back.
  virtual void forward(const Graph &graph, MessageExchange *exchange = nullptr) = 0;

  // The same without a copy on the way in: writes energy() and, for a model with latent charges, charge [n_local] e
  // to memory of the device. `charge` is nullptr for a model without. Whatever writes the arrays of the graph must have ended
  // before; they are used until backward() has returned. Refuses a model with charge equilibration.
  virtual void forward(const DeviceGraph &graph, double *energy, double *charge) = 0;

  // Phase 2, once per forward(). `potential` [n_local] = dE_lr/dq_i in V; nullptr for a model without charges.
  // Fills edge_gradient() = d(sum_i e_i + sum_i potential_i q_i) / d edge_vectors at fixed potential.
  // With charge equilibration it takes the charges q [n_local] in place of the potential, and fills
  // edge_gradient() = d(sum_i e_i + chi_i q_i + eta_i q_i^2 / 2) / d edge_vectors at fixed q.
  // After forward() of a DeviceGraph, `potential` is in memory of the device, and so is the result, device_edge_gradient().
  virtual void backward(const double *potential) = 0;

  // Instead of phase 2, any number of times per forward() of a Graph. `weight` [n_local], of a model with latent charges.
  // Fills edge_gradient() = d(sum_i weight_i q_i) / d edge_vectors, the weights held constant.
  virtual void charge_gradient(const double *weight) = 0;

  // The same for one network of a committee, counted from 0:
  // d(sum_i e_i + sum_i potential_i q_i) / d edge_vectors of its own energies and charges.
  virtual void member_gradient(int member, const double *potential) = 0;
  virtual std::vector<double> member_charge(int member) const = 0; // [n_local] e

  // Standard deviations of the energies of the local nodes, [n_local] eV, of a model with metadata().uncertainty. Replaces
  // the tape of forward(): backward() needs another forward() after it.
  virtual std::vector<double> energy_uncertainty(const Graph &graph,
                                                 MessageExchange *exchange = nullptr) = 0;

  // [n_local] eV, short range, without the reference energies of the metadata
  virtual const std::vector<double> &energy() const = 0;
  virtual const std::vector<double> &
  charge() const = 0; // [n_local] e, empty without latent charges
  virtual const std::vector<double> &electronegativity() const = 0; // [n_local] eV/e, empty without
  virtual const std::vector<double> &
  hardness() const = 0; // [n_local] eV/e^2   charge equilibration
  virtual const std::vector<double> &
  edge_gradient() const = 0; // [n_edges * 3] eV/angstrom or e/angstrom

  // [n_edges * 3] in memory of the device, float or double as double_precision() says. Belongs to the evaluator and is valid
  // until its next call.
  virtual const void *device_edge_gradient() const = 0;

  // Every call has been carried out, not only queued, when it returns. Every call throws std::runtime_error with a one-line
  // message; OutOfMemory is one.
};

// Entry points of the core library, looked up by name where it is loaded at run time.
// `archive` is the content of the model file, `name` what error messages call it.
// On failure returns nullptr and puts one line into `error`.
using CreateEvaluator = Evaluator *(const std::string &name, const std::string &archive,
                                    const EvaluatorOptions &options, std::string &error);

} // namespace pair_les

extern "C" {
pair_les::Evaluator *pair_les_create_evaluator(const std::string &name, const std::string &archive,
                                               const pair_les::EvaluatorOptions &options,
                                               std::string &error);
const char *pair_les_built_with_torch();
const char *pair_les_core_interface(); // CORE_INTERFACE of core_interface.h
}

#endif
