// SPDX-License-Identifier: MIT

#ifndef PAIR_LES_BINDINGS_ARRAY_EVALUATOR_H
#define PAIR_LES_BINDINGS_ARRAY_EVALUATOR_H

#include <pybind11/pybind11.h>

void bind_array_evaluator(pybind11::module_ &m);

#endif
