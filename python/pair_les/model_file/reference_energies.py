# SPDX-License-Identifier: MIT
"""The energies that a reader of a model file adds, in float64, to those that its network returns."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .metadata import Metadata


def atomic_reference_energies(metadata: Metadata, species: NDArray[np.int64]) -> NDArray[np.float64]:
    """Reference energy of each atom, eV ``[N]``, from the species indices ``[N]``; zeros where the file has none."""
    per_species = [metadata.reference_energies.get(symbol, 0.0) for symbol in metadata.species]
    return np.array(per_species, dtype=np.float64)[species]


def total_reference_energy(metadata: Metadata, species: NDArray[np.int64]) -> float:
    """Sum of the reference energies of atoms with species indices ``[N]``, eV.

    Atoms are counted, so that large numbers are not added up one by one.
    """
    counts = np.bincount(species, minlength=len(metadata.species))
    return math.fsum(
        int(count) * metadata.reference_energies.get(symbol, 0.0)
        for symbol, count in zip(metadata.species, counts, strict=True)
    )
