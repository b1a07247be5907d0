// SPDX-License-Identifier: MIT

#include "torch_device.h"

#include <stdexcept>

namespace pair_les {

int gpu_index(const TorchDevice &wanted, int found)
{
  if (wanted.name == "cuda") return wanted.node_rank % found;
  const int index = std::stoi(wanted.name.substr(sizeof("cuda:") - 1));
  if (index >= found)
    throw std::runtime_error("device is " + wanted.name + ", but torch sees " +
                             std::to_string(found) +
                             " GPU(s), the last of which is cuda:" + std::to_string(found - 1) +
                             "; see what CUDA_VISIBLE_DEVICES hides, or " + wanted.instead);
  return index;
}

} // namespace pair_les
