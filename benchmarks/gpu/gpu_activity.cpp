// SPDX-License-Identifier: MIT
// Kernels and copies of a process as the CUDA driver sees them, those of torch and cuFFT included. CUDA loads this library
// where CUDA_INJECTION64_PATH names it; at the end of the process it writes, to the file named by GPU_ACTIVITY, lines
//   kernel SECONDS COUNT NAME
//   copy SECONDS COUNT DIRECTION BYTES
// Linked to CUPTI of CUDA 13.

#include <cupti.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace {

constexpr std::size_t BUFFER_BYTES = std::size_t(8) << 20;

struct Total {
  double seconds = 0.0;
  std::uint64_t count = 0;
};

std::mutex lock;
std::map<std::string, Total>
    totals; // of a line without its numbers: "kernel|NAME", "copy|DIRECTION BYTES"

const char *direction(std::uint8_t kind)
{
  switch (kind) {
  case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
    return "host-to-device";
  case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
    return "device-to-host";
  case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
    return "on-device";
  default:
    return "other";
  }
}

void add(const std::string &key, std::uint64_t start, std::uint64_t end)
{
  Total &total = totals[key];
  total.seconds += 1e-9 * static_cast<double>(end - start);
  total.count++;
}

void CUPTIAPI give_buffer(std::uint8_t **buffer, std::size_t *size, std::size_t *most_records)
{
  *buffer = static_cast<std::uint8_t *>(std::aligned_alloc(8, BUFFER_BYTES));
  *size = BUFFER_BYTES;
  *most_records = 0;
}

void CUPTIAPI read_buffer(CUcontext, std::uint32_t, std::uint8_t *buffer, std::size_t,
                          std::size_t valid)
{
  const std::lock_guard<std::mutex> guard(lock);
  CUpti_Activity *record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
      const auto *const kernel = reinterpret_cast<const CUpti_ActivityKernel10 *>(record);
      add(std::string("kernel|") + kernel->name, kernel->start, kernel->end);
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
      const auto *const copy = reinterpret_cast<const CUpti_ActivityMemcpy6 *>(record);
      add(std::string("copy|") + direction(copy->copyKind) + " " + std::to_string(copy->bytes),
          copy->start, copy->end);
    }
  }
  std::free(buffer);
}

void write_totals()
{
  cuptiActivityFlushAll(1);
  const char *const path = std::getenv("GPU_ACTIVITY");
  std::FILE *const file = path ? std::fopen(path, "w") : nullptr;
  if (!file) return;
  const std::lock_guard<std::mutex> guard(lock);
  for (const auto &[key, total] : totals) {
    const auto bar = key.find('|');
    std::fprintf(file, "%s %.9f %llu %s\n", key.substr(0, bar).c_str(), total.seconds,
                 static_cast<unsigned long long>(total.count), key.substr(bar + 1).c_str());
  }
  std::fclose(file);
}

} // namespace

// Called by the CUDA driver when a process starts to use it; 1 for success.
extern "C" int InitializeInjection()
{
  cuptiActivityRegisterCallbacks(give_buffer, read_buffer);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
  std::atexit(write_totals);
  return 1;
}
