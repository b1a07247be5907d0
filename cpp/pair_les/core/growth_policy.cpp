// SPDX-License-Identifier: MIT

#include "growth_policy.h"

namespace pair_les {

namespace {

constexpr std::int64_t MINIMUM = 64;
constexpr std::int64_t MUCH_TOO_LONG = 4;

std::int64_t next_size(std::int64_t needed)
{
  if (needed <= MINIMUM) return MINIMUM;
  std::int64_t step = MINIMUM / 8;
  while (16 * step < needed) step *= 2;
  return (needed + step - 1) / step * step;
}

} // namespace

std::int64_t capacity_for(std::int64_t needed, std::int64_t present)
{
  const std::int64_t size = next_size(needed);
  const bool suffices = present > 0 && present >= needed;
  return suffices && present < MUCH_TOO_LONG * size ? present : size;
}

} // namespace pair_les
