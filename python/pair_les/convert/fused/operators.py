# SPDX-License-Identifier: MIT
"""``torch.ops.pair_les.convolution`` and ``contraction``, of the compiled core or, where it is not installed, by their twins.

TorchScript can name an operator only where torch knows it. The twins make a model file with these operators possible, and
comparable, in an environment that has nothing compiled of pair_les.
"""

from __future__ import annotations

import functools

import torch

from ...errors import UserError
from ...installation.fused_operators import load_library
from .contraction import contraction
from .convolution import convolution

TWINS = {
    "convolution(Tensor edge_vectors, Tensor center, Tensor neighbor, Tensor messages, Tensor table, Tensor table_of_edge, "
    "Tensor couplings, Tensor degrees, SymInt n_local, float cutoff) -> Tensor": convolution,
    "contraction(Tensor densities, Tensor species, Tensor coefficients, Tensor terms, int n_outputs) -> Tensor": contraction,
}
"""By schema, which is that of the compiled core."""


@functools.cache
def provide() -> torch.library.Library | None:
    """Make the operators known to torch; return the library of twins, None where the compiled core has them."""
    try:
        load_library()
    except UserError:  # built for another release of torch
        pass
    if all(hasattr(torch.ops.pair_les, schema.split("(")[0]) for schema in TWINS):
        return None
    library = torch.library.Library("pair_les", "FRAGMENT")
    for schema, twin in TWINS.items():
        library.define(schema)
        library.impl(schema.split("(")[0], twin, "CompositeImplicitAutograd")
    return library
