// SPDX-License-Identifier: MIT
// Capacity of an array whose size changes a little on every step.

#ifndef PAIR_LES_CORE_GROWTH_POLICY_H
#define PAIR_LES_CORE_GROWTH_POLICY_H

#include <cstdint>

namespace pair_les {

// Capacity for `needed` elements of an array that has `present`: the present one while it suffices and is less than four
// times too long, else the next of the sizes 8, 9 .. 15, 16, 18 .. 30, 32, 36 ... (eighths of a power of two), at least
// MINIMUM. Few different sizes occur, so that allocators find what they gave back; at most 12.5 % is wasted on growth.
std::int64_t capacity_for(std::int64_t needed, std::int64_t present);

} // namespace pair_les

#endif
