# SPDX-License-Identifier: MIT
"""MACE's own answer for a frame, by its ASE calculator.

The long-range sum of MACE-LES is not MACE's: for such a model this is the short-range part, by the class that MACELES extends, and
charges by its charge readouts on the features that this class returns.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from ase import Atoms

from ...installation.process_state import default_dtype, silenced
from ..ase_reference import evaluate_frame
from ..converted import Reference


def calculator(model: torch.nn.Module, head: int, several_heads: bool) -> Callable[[Atoms], Reference]:
    """A function that runs ``mace.calculators.MACECalculator`` on a frame, in float64 and without accelerators."""
    from mace.calculators import MACECalculator

    name = {"head": model.heads[head]} if several_heads else {}
    with silenced():
        ase_calculator = MACECalculator(
            models=deepcopy(model).double(), device="cpu", default_dtype="float64", **name
        )

    def reference(atoms: Atoms) -> Reference:
        with default_dtype(torch.float64):
            values = evaluate_frame(ase_calculator, atoms)
            with silenced():
                return replace(values, charges=_charges(ase_calculator, atoms, head))

    return reference


def _charges(ase_calculator: Any, atoms: Atoms, head: int) -> np.ndarray | None:
    """Compute the charges by the charge readouts on the features of all layers."""
    model = ase_calculator.models[0]
    if not hasattr(model, "les_readouts"):
        return None
    batch = ase_calculator._atoms_to_batch(atoms)
    features = model(batch.to_dict(), compute_force=False)["node_feats"].detach()
    heads = torch.full([len(features)], head, dtype=torch.int64)
    total, start = torch.zeros(len(features), dtype=features.dtype), 0
    widths = [product.linear.irreps_out.dim for product in model.products]
    if len(model.les_readouts) == 1:
        start, widths = sum(widths[:-1]), widths[-1:]
    for readout, width in zip(model.les_readouts, widths, strict=True):
        total = total + readout(features[:, start : start + width], heads)[:, head].detach()
        start += width
    return total.numpy()
