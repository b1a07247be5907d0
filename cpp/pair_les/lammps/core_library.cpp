// SPDX-License-Identifier: GPL-2.0-only

#include "core_library.h"

#include <cstdint>
#include <stdexcept>

#include <dlfcn.h>

namespace pair_les {

namespace {

// PAIR_LES_TORCH_VERSION: "2.13.0" of the torch this plugin was built against (set by CMake).

std::string reinstall_hint()
{
  return "; type 'pip install torch==" PAIR_LES_TORCH_VERSION
         "', or build pair_les again against the torch you have";
}

void *open_library(const char *file, int flags = 0)
{
  // torch registers exit handlers: keep it in the process even after LAMMPS unloads the plugin
  void *library = dlopen(file, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE | flags);
  if (!library)
    throw std::runtime_error(
        std::string("pair_style les, built with torch " PAIR_LES_TORCH_VERSION ", cannot load ") +
        file + " (" + dlerror() + ")" + reinstall_hint());
  return library;
}

template <typename Function> Function *find_symbol(void *library, const char *symbol)
{
  return reinterpret_cast<Function *>(dlsym(library, symbol));
}

// Whether the process uses what a library defines under a name, not a copy or a replacement of it.
bool uses_that_of(const char *file, const char *symbol)
{
  void *const library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
  if (!library) return false;
  const bool same = dlsym(library, symbol) == dlsym(RTLD_DEFAULT, symbol);
  dlclose(library);
  return same;
}

// LAMMPS may export the BLAS it brings, a plain one. Names of the program come first, so that torch
// would multiply matrices of float64 with it, at a tenth of its own speed, unless it is told to
// look at its own names first. Then it must find there what the rest of the process uses: memory,
// and standard output.
int prefer_own_blas()
{
#ifdef RTLD_DEEPBIND
  if (dlsym(RTLD_DEFAULT, "dgemm_") && uses_that_of("libc.so.6", "malloc") &&
      uses_that_of("libstdc++.so.6", "_ZSt4cerr"))
    return RTLD_DEEPBIND;
#endif
  return 0;
}

std::string loaded_torch_version(void *torch_library)
{
  auto *abi_version = find_symbol<std::uint64_t()>(torch_library, "aoti_torch_abi_version");
  if (!abi_version) return "older than 2.8";
  const std::uint64_t version = abi_version(); // major, minor, patch in the upper three bytes
  return std::to_string((version >> 56) & 0xff) + "." + std::to_string((version >> 48) & 0xff) +
         "." + std::to_string((version >> 40) & 0xff);
}

void check_torch()
{
  void *torch_library = open_library("libtorch_cpu.so", prefer_own_blas());
  const std::string version = loaded_torch_version(torch_library);
  if (version != PAIR_LES_TORCH_VERSION)
    throw std::runtime_error("pair_style les was built with torch " PAIR_LES_TORCH_VERSION
                             " but found torch " +
                             version + reinstall_hint());
}

void *load_core()
{
  check_torch();
  return open_library("libpair_les_core.so");
}

// torch needs its GPU half in the process before it is asked for GPUs; there is none in a torch for
// CPUs, which says so
void load_gpu_half(const TorchDevice &device)
{
  if (!device.is_gpu()) return;
  for (const char *library : {"libtorch_cuda.so", "libtorch_hip.so"})
    dlopen(library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
}

template <typename Function> Function *core_function(const char *symbol)
{
  static void *const core = load_core();
  auto *const function = find_symbol<Function>(core, symbol);
  if (!function)
    throw std::runtime_error("libpair_les_core.so does not belong to this pair_style les" +
                             reinstall_hint());
  return function;
}

// What an entry point of the core makes.
template <typename Create, typename... Arguments>
auto call_core(const char *symbol, const Arguments &...arguments)
{
  std::string error;
  auto *const made = core_function<Create>(symbol)(arguments..., error);
  if (!made) throw std::runtime_error(error);
  return made;
}

} // namespace

std::unique_ptr<Evaluator> create_evaluator(const std::string &name, const std::string &archive,
                                            const EvaluatorOptions &options)
{
  load_gpu_half(options.device);
  return std::unique_ptr<Evaluator>(
      call_core<CreateEvaluator>("pair_les_create_evaluator", name, archive, options));
}

void use_device_kernels(const DeviceKernels &kernels, bool gpu)
{
  core_function<UseDeviceKernels>("pair_les_use_device_kernels")(kernels, gpu);
}

} // namespace pair_les
