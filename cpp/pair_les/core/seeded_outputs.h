// SPDX-License-Identifier: MIT
// Outputs times seeds, to be differentiated.

#ifndef PAIR_LES_CORE_SEEDED_OUTPUTS_H
#define PAIR_LES_CORE_SEEDED_OUTPUTS_H

#include <torch/types.h>

#include <vector>

namespace pair_les {

// An output that does not depend on the edges (no edges, fixed charges) is no part of the tape.
struct SeededOutputs {
  std::vector<torch::Tensor> outputs, seeds;

  template <class Seed> void add(const torch::Tensor &output, const Seed &seed)
  {
    if (!output.defined() || !output.requires_grad()) return;
    outputs.push_back(output);
    seeds.push_back(seed(output));
  }
};

} // namespace pair_les

#endif
