// SPDX-License-Identifier: MIT
// What went wrong in a part of an evaluation, kept until every process can be told.

#ifndef PAIR_LES_CORE_EVALUATION_FAILURE_H
#define PAIR_LES_CORE_EVALUATION_FAILURE_H

#include "evaluator.h"

#include <stdexcept>
#include <string>

namespace pair_les {

// One line, empty where nothing failed.
struct Failure {
  std::string message;
  bool out_of_memory = false;

  void raise() const
  {
    if (message.empty()) return;
    if (out_of_memory) throw OutOfMemory(message);
    throw std::runtime_error(message);
  }
};

} // namespace pair_les

#endif
