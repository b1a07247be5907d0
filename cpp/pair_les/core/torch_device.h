// SPDX-License-Identifier: MIT
// Which device torch is to compute on, as an option: free of torch headers.

#ifndef PAIR_LES_CORE_TORCH_DEVICE_H
#define PAIR_LES_CORE_TORCH_DEVICE_H

#include <string>

namespace pair_les {

struct TorchDevice {
  // As torch calls it; AMD GPUs are "cuda" as well. "cuda:1": that one; "cuda": one of the GPUs that this process sees, which
  // are given out in turn by:
  std::string name = "cpu";
  int node_rank = 0;                        // of this process among those of its node
  std::string instead = "use device 'cpu'"; // what to do where there is no such device

  bool is_gpu() const { return name.compare(0, 4, "cuda") == 0; }
};

// Number of the GPU of a name as above, where torch has found one or more. Throws std::runtime_error with one line.
int gpu_index(const TorchDevice &wanted, int found);

} // namespace pair_les

#endif
