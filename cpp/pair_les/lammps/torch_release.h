// SPDX-License-Identifier: GPL-2.0-only
// Which releases of torch there is a core for, and which release a process has loaded.
//
// The C++ interface of torch changes with every minor release: a core belongs to one of them.

#ifndef PAIR_LES_LAMMPS_TORCH_RELEASE_H
#define PAIR_LES_LAMMPS_TORCH_RELEASE_H

#include <string>

namespace pair_les {

// "2.10.0, 2.13.0": what the cores were built with, ascending.
std::string torch_releases();

// What to type for a torch that there is a core for, as the end of a message.
std::string torch_hint();

// "2.13.0" of an open libtorch_cpu.so; "older than 2.8" where it does not say.
std::string loaded_torch_release(void *torch_library);

// File of the core for a release of torch; empty where there is none.
std::string core_file(const std::string &release);

} // namespace pair_les

#endif
