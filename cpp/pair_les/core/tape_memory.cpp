// SPDX-License-Identifier: MIT

#include "tape_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <memory>

namespace pair_les {

namespace {

// Most that the intermediate results of a chunk may take; its backward pass needs a few times as much for a moment.
constexpr double CHUNK_BYTES = 1.0e8;

// Sum of what torch's allocator of host memory hands out and takes back.
class AllocationSum : public c10::MemoryReportingInfoBase {
 public:
  std::int64_t bytes = 0;

  void reportMemoryUsage(void *, std::int64_t change, std::size_t, std::size_t,
                         c10::Device device) override
  {
    if (device.is_cpu()) bytes += change;
  }
  bool memoryProfilingEnabled() const override { return true; }
};

double rows(std::int64_t n_atoms, std::int64_t n_edges)
{
  return static_cast<double>(n_atoms + n_edges);
}

} // namespace

std::int64_t bytes_left_by(const std::function<void()> &action)
{
  const auto sum = std::make_shared<AllocationSum>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, sum);
  action();
  return sum->bytes;
}

void TapeMemory::measure(std::int64_t n_atoms, std::int64_t n_edges, std::int64_t bytes)
{
  bytes_per_row_ = std::max(0.0, static_cast<double>(bytes) / rows(n_atoms, n_edges));
}

std::int64_t TapeMemory::chunk_atoms(std::int64_t n_atoms, std::int64_t n_edges) const
{
  const double bytes = bytes_per_row_ * rows(n_atoms, n_edges); // of the whole graph
  if (bytes * static_cast<double>(most_atoms_) <= CHUNK_BYTES * static_cast<double>(n_atoms))
    return most_atoms_;
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(CHUNK_BYTES / bytes * static_cast<double>(n_atoms)));
}

bool TapeMemory::keeps(std::int64_t n_atoms, std::int64_t n_edges)
{
  used_ += bytes_per_row_ * rows(n_atoms, n_edges);
  return used_ < static_cast<double>(limit_);
}

} // namespace pair_les
