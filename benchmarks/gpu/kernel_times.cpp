// SPDX-License-Identifier: MIT
// A Kokkos tool (KOKKOS_TOOLS_LIBS) that writes, to the file named by KOKKOS_KERNEL_TIMES, one line
// "kind seconds count name" for each kernel, region, copy and fence of a run when Kokkos ends.
// Kokkos fences around the callbacks of a tool, so that the time of a kernel is that of the device.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Total {
  double seconds = 0.0;
  std::uint64_t count = 0;
};

struct Begun {
  std::string name;
  Clock::time_point at;
};

std::map<std::pair<std::string, std::string>, Total> totals; // of kind and name
std::map<std::uint64_t, Begun> kernels;
std::vector<Begun> regions;
std::uint64_t next_id = 0;

double since(Clock::time_point begin)
{
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void add(const char *kind, const std::string &name, double seconds)
{
  Total &total = totals[{kind, name}];
  total.seconds += seconds;
  total.count++;
}

void begin(const char *name, std::uint64_t *id)
{
  *id = ++next_id;
  kernels[*id] = {name, Clock::now()};
}

void end(std::uint64_t id)
{
  const auto found = kernels.find(id);
  if (found == kernels.end()) return;
  add("kernel", found->second.name, since(found->second.at));
  kernels.erase(found);
}

struct Space {
  char name[64];
};

} // namespace

extern "C" {

void kokkosp_init_library(int, std::uint64_t, std::uint32_t, void *) {}

void kokkosp_finalize_library()
{
  const char *const path = std::getenv("KOKKOS_KERNEL_TIMES");
  std::FILE *const file = path ? std::fopen(path, "w") : nullptr;
  if (!file) return;
  for (const auto &[key, total] : totals)
    std::fprintf(file, "%s %.9f %llu %s\n", key.first.c_str(), total.seconds,
                 static_cast<unsigned long long>(total.count), key.second.c_str());
  std::fclose(file);
}

void kokkosp_begin_parallel_for(const char *name, std::uint32_t, std::uint64_t *id)
{
  begin(name, id);
}

void kokkosp_begin_parallel_reduce(const char *name, std::uint32_t, std::uint64_t *id)
{
  begin(name, id);
}

void kokkosp_begin_parallel_scan(const char *name, std::uint32_t, std::uint64_t *id)
{
  begin(name, id);
}

void kokkosp_end_parallel_for(std::uint64_t id)
{
  end(id);
}

void kokkosp_end_parallel_reduce(std::uint64_t id)
{
  end(id);
}

void kokkosp_end_parallel_scan(std::uint64_t id)
{
  end(id);
}

void kokkosp_begin_fence(const char *name, std::uint32_t, std::uint64_t *id)
{
  *id = 0;
  add("fence", name, 0.0);
}

void kokkosp_push_profile_region(const char *name)
{
  regions.push_back({name, Clock::now()});
}

void kokkosp_pop_profile_region()
{
  if (regions.empty()) return;
  add("region", regions.back().name, since(regions.back().at));
  regions.pop_back();
}

void kokkosp_begin_deep_copy(Space to, const char *to_name, const void *, Space from,
                             const char *from_name, const void *, std::uint64_t)
{
  add("copy", std::string(to.name) + ":" + to_name + " <- " + from.name + ":" + from_name, 0.0);
}

} // extern "C"
