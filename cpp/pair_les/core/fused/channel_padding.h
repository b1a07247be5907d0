// SPDX-License-Identifier: MIT
// Channels padded with zeros to a multiple of the vector width of a kernel, and the padding removed again.

#ifndef PAIR_LES_CORE_FUSED_CHANNEL_PADDING_H
#define PAIR_LES_CORE_FUSED_CHANNEL_PADDING_H

#include <ATen/ATen.h>

namespace pair_les {

class ChannelPadding {
 public:
  ChannelPadding(std::int64_t channels, int lanes) :
      channels_(channels), full_((channels + lanes - 1) / lanes * lanes)
  {}

  std::int64_t channels() const { return full_; }

  // [..., groups * channels], contiguous, each group of its own
  at::Tensor fill(const at::Tensor &tensor, std::int64_t groups = 1) const
  {
    if (full_ == channels_ || tensor.numel() == 0) return tensor.contiguous();
    auto shape = tensor.sizes().vec();
    shape.back() = groups;
    shape.push_back(channels_);
    const auto filled =
        at::constant_pad_nd(tensor.reshape(shape), {0, full_ - channels_}).contiguous();
    shape.pop_back();
    shape.back() = groups * full_;
    return filled.view(shape);
  }

  at::Tensor cut(const at::Tensor &tensor, std::int64_t groups = 1) const
  {
    if (full_ == channels_ || tensor.numel() == 0) return tensor;
    auto shape = tensor.sizes().vec();
    shape.back() = groups;
    shape.push_back(full_);
    const auto part = tensor.view(shape).narrow(-1, 0, channels_);
    shape.pop_back();
    shape.back() = groups * channels_;
    return part.reshape(shape);
  }

 private:
  std::int64_t channels_, full_;
};

} // namespace pair_les

#endif
