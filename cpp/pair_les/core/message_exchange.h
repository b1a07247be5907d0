// SPDX-License-Identifier: MIT
// What the processes of a run tell each other between the layers of a network that is cut at its layers.

#ifndef PAIR_LES_CORE_MESSAGE_EXCHANGE_H
#define PAIR_LES_CORE_MESSAGE_EXCHANGE_H

#include <cstddef>
#include <string>

namespace pair_les {

// One row of numbers for each node of the graph, local ones first, in memory of the host.
struct NodeRows {
  void *data = nullptr; // [n_nodes, width]
  int width = 0;
  bool in_double = false; // else float

  std::size_t bytes_per_row() const
  {
    return static_cast<std::size_t>(width) * (in_double ? sizeof(double) : sizeof(float));
  }
};

// Every process calls every function as often as the others, also one without atoms.
class MessageExchange {
 public:
  virtual ~MessageExchange() = default;

  // Does not return on any process if `failure` is not empty on one of them.
  virtual void agree(const std::string &failure) = 0;

  virtual void
  forward(const NodeRows &rows) = 0; // rows of ghosts from the atoms they are images of
  virtual void reverse(const NodeRows &rows) = 0; // adds those of ghosts to these atoms' rows
};

} // namespace pair_les

#endif
