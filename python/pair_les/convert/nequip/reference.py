# SPDX-License-Identifier: MIT
"""NequIP's own answer for a frame, by its ASE calculator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ase import Atoms

from ...installation.process_state import default_dtype, silenced
from ..ase_reference import evaluate_frame
from ..converted import Reference


def calculator(model: Any) -> Callable[[Atoms], Reference]:
    """A function that runs nequip's ``NequIPCalculator`` on a frame, in the precision of the model.

    Parameters
    ----------
    model
        ``GraphModel`` of a checkpoint or package, in eval mode.
    """
    from nequip.integrations.ase import NequIPCalculator
    from nequip.integrations.utils import basic_transforms

    metadata, names = model.metadata, list(model.type_names)
    with silenced():
        transforms = basic_transforms(
            metadata, float(metadata["r_max"]), names, {name: name for name in names}
        )
        ase_calculator = NequIPCalculator(model=model, device="cpu", transforms=transforms)

    def reference(atoms: Atoms) -> Reference:
        with default_dtype(torch.float64):
            return evaluate_frame(ase_calculator, atoms)

    return reference
