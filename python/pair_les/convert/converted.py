# SPDX-License-Identifier: MIT
"""Result of an adapter: the network, its contract, and reference values of the package's own code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from ase import Atoms
from numpy.typing import NDArray

from ..model_file.metadata import Metadata


@dataclass(frozen=True)
class Reference:
    """Values of the package's own code for one frame of N atoms, float64.

    ``energy`` eV and ``forces`` [N, 3] eV/angstrom, ``stress`` [3, 3] eV/angstrom^3 in ASE's sign (None where not periodic), all of the
    short-range part; ``charges`` [N] e, None for a model without charges.
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    charges: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Converted:
    """A network of another package in the form of the contract.

    Parameters
    ----------
    network
        Of the contract's signature, with `send` and `finish` where it passes messages; in eval mode.
    script
        Turns `network` into TorchScript.
    metadata
        Its contract.
    reference
        The package's own code, for a frame. None where there is none that may be run; `why_no_reference` says why.
    package
        What was asked: name and version of the package.
    reference_precision
        In which `reference` computes.
    k_cutoff
        1/angstrom; where the package's own long-range sum ends. None: converged, or no charges.
    why_no_reference
        Clause of a sentence.
    notes
        Lines for the user about what the conversion means.
    fused
        The same network in operators of the compiled core, which LAMMPS runs instead. None: it has no such form.
    """

    network: torch.nn.Module
    script: Callable[[torch.nn.Module], torch.jit.ScriptModule]
    metadata: Metadata
    reference: Callable[[Atoms], Reference] | None
    package: str
    reference_precision: str = "float64"
    k_cutoff: float | None = None
    why_no_reference: str = ""
    notes: Sequence[str] = field(default_factory=tuple)
    fused: torch.nn.Module | None = None
