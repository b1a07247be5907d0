// SPDX-License-Identifier: MIT
// What a core library says of itself, before anything else of it is called.

#include "core/core_interface.h"
#include "evaluator.h"

#include <torch/version.h>

extern "C" {

const char *pair_les_built_with_torch()
{
  return TORCH_VERSION;
}

const char *pair_les_core_interface()
{
  return pair_les::CORE_INTERFACE;
}
}
