// SPDX-License-Identifier: GPL-2.0-only
// Where the styles get their evaluator from.
//
// The torch-linked core is loaded when the first model is read, not when LAMMPS loads the plugin: a
// run without pair_style les never touches torch, and a missing or wrong torch becomes a LAMMPS
// error.

#ifndef PAIR_LES_LAMMPS_CORE_LIBRARY_H
#define PAIR_LES_LAMMPS_CORE_LIBRARY_H

#include "core/evaluator.h"
#include "core/fused/device_kernels.h"

#include <memory>
#include <string>

namespace pair_les {

// Throws std::runtime_error with one line: the core or torch cannot be loaded, torch is not the
// version that the core was built with, or the model is refused.
std::unique_ptr<Evaluator> create_evaluator(const std::string &name, const std::string &archive,
                                            const EvaluatorOptions &options);

// Gives the core kernels of a device (core/fused/device_kernels.h), which must stay where they are.
void use_device_kernels(const DeviceKernels &kernels, bool gpu);

} // namespace pair_les

#endif
