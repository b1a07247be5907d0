// SPDX-License-Identifier: GPL-2.0-only

#include "torch_release.h"

#include <cstdint>
#include <sstream>
#include <vector>

#include <dlfcn.h>

namespace pair_les {

namespace {

// Set by CMake:
// PAIR_LES_TORCH_RELEASES  "2.10.0 2.13.0", ascending
// PAIR_LES_PATH_TO_CORES   from the folder of this library to the one with core/torch-2.10, ...; not defined in a LAMMPS with
//                          KOKKOS, which has one core, where the dynamic linker finds it
std::vector<std::string> releases()
{
  std::istringstream words(PAIR_LES_TORCH_RELEASES);
  std::vector<std::string> found;
  for (std::string word; words >> word;) found.push_back(word);
  return found;
}

// "2.13" of "2.13.0"
std::string minor_release(const std::string &release)
{
  return release.substr(0, release.find('.', release.find('.') + 1));
}

constexpr char LIBRARY[] = "libpair_les_core.so";

std::string path_of_core([[maybe_unused]] const std::string &minor)
{
#ifdef PAIR_LES_PATH_TO_CORES
  Dl_info self;
  if (!dladdr(LIBRARY, &self)) return LIBRARY;
  const std::string file = self.dli_fname;
  return file.substr(0, file.rfind('/') + 1) + PAIR_LES_PATH_TO_CORES "/core/torch-" + minor + "/" +
         LIBRARY;
#else
  return LIBRARY;
#endif
}

} // namespace

std::string torch_releases()
{
  std::string list;
  for (const std::string &release : releases()) list += (list.empty() ? "" : ", ") + release;
  return list;
}

std::string torch_hint()
{
  return "; type 'pip install torch==" + releases().back() +
         "', or build pair_les again against the torch you have";
}

std::string loaded_torch_release(void *torch_library)
{
  auto *const abi_version =
      reinterpret_cast<std::uint64_t (*)()>(dlsym(torch_library, "aoti_torch_abi_version"));
  if (!abi_version) return "older than 2.8";
  const std::uint64_t version = abi_version(); // major, minor, patch in the upper three bytes
  return std::to_string((version >> 56) & 0xff) + "." + std::to_string((version >> 48) & 0xff) +
         "." + std::to_string((version >> 40) & 0xff);
}

std::string core_file(const std::string &release)
{
  const std::string minor = minor_release(release);
  for (const std::string &supported : releases())
    if (minor_release(supported) == minor) return path_of_core(minor);
  return "";
}

} // namespace pair_les
