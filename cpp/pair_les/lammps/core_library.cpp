// SPDX-License-Identifier: GPL-2.0-only

#include "core_library.h"

#include "core/core_interface.h"
#include "torch_release.h"

#include <cstring>
#include <stdexcept>

#include <dlfcn.h>

namespace pair_les {

namespace {

void *open_library(const std::string &file, int flags = 0)
{
  // torch registers exit handlers: keep it in the process even after LAMMPS unloads the plugin
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE | flags);
  if (!library)
    throw std::runtime_error("pair_style les, built with torch " + torch_releases() +
                             ", cannot load " + file.substr(file.rfind('/') + 1) + " (" +
                             dlerror() + ")" + torch_hint());
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

// A core of another installation has other structures behind the same names.
void require_own_core(void *core, const std::string &file)
{
  auto *const interface = find_symbol<const char *()>(core, "pair_les_core_interface");
  if (interface && std::strcmp(interface(), CORE_INTERFACE) == 0) return;
  Dl_info found;
  void *const any = dlsym(core, "pair_les_create_evaluator");
  const std::string path = any && dladdr(any, &found) ? found.dli_fname : file;
  throw std::runtime_error(
      path + " does not belong to this pair_style les; remove it, or install " + "pair_les again");
}

void *load_core()
{
  const std::string found =
      loaded_torch_release(open_library("libtorch_cpu.so", prefer_own_blas()));
  const std::string core = core_file(found);
  if (core.empty())
    throw std::runtime_error("pair_style les was built with torch " + torch_releases() +
                             " but found torch " + found + torch_hint());
  void *const library = open_library(core);
  require_own_core(library, core);
  return library;
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
  return find_symbol<Function>(core, symbol);
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
