// SPDX-License-Identifier: MIT
// A Kokkos tool (KOKKOS_TOOLS_LIBS) that writes what Kokkos begins, in order, to the file named by KOKKOS_EVENT_LOG.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

std::FILE *file = nullptr;

struct Space {
  char name[64];
};

void write(const char *kind, const char *name)
{
  if (file) std::fprintf(file, "%s %s\n", kind, name);
}

} // namespace

extern "C" {

void kokkosp_init_library(int, std::uint64_t, std::uint32_t, void *)
{
  const char *const path = std::getenv("KOKKOS_EVENT_LOG");
  file = path ? std::fopen(path, "a") : nullptr; // several processes may share it
  if (file) std::setvbuf(file, nullptr, _IOLBF, BUFSIZ);
}

void kokkosp_finalize_library()
{
  if (file) std::fclose(file);
  file = nullptr;
}

void kokkosp_begin_parallel_for(const char *name, std::uint32_t, std::uint64_t *)
{
  write("kernel", name);
}

void kokkosp_begin_parallel_reduce(const char *name, std::uint32_t, std::uint64_t *)
{
  write("kernel", name);
}

void kokkosp_begin_parallel_scan(const char *name, std::uint32_t, std::uint64_t *)
{
  write("kernel", name);
}

void kokkosp_begin_fence(const char *name, std::uint32_t, std::uint64_t *)
{
  write("fence", name);
}

void kokkosp_push_profile_region(const char *name)
{
  write("begin", name);
}

void kokkosp_pop_profile_region()
{
  write("end", "");
}

void kokkosp_allocate_data(Space, const char *name, void *, std::uint64_t)
{
  write("allocate", name);
}

void kokkosp_begin_deep_copy(Space, const char *to, const void *, Space, const char *from,
                             const void *, std::uint64_t bytes)
{
  if (file)
    std::fprintf(file, "copy %llu %s <- %s\n", static_cast<unsigned long long>(bytes), to, from);
}

} // extern "C"
