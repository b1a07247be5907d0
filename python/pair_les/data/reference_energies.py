# SPDX-License-Identifier: MIT
"""Reference energies of the elements, taken off the labels so that the network learns small numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from .frames import Frame

_SMALLEST_SINGULAR_VALUE = 1e-6
"""Relative; directions of composition that vary less are left at zero (in water, H and O vary together)."""


def fit_reference_energies(frames: Sequence[Frame], species: Sequence[str]) -> dict[str, float]:
    """Least-squares atomic energies, eV: ``E / n = sum_s (n_s / n) e_s``, the smallest ones that fit best.

    Compositions that do not determine the energies (all frames are water) leave the smallest solution: -14.6
    eV per molecule becomes O -2.9 and H -5.9, the choice published with the water data of the LES papers.

    Parameters
    ----------
    frames
        With total energies in eV.
    species
        Every element of the frames.
    """
    column = {symbol: index for index, symbol in enumerate(species)}
    composition = np.zeros((len(frames), len(species)))
    for row, frame in enumerate(frames):
        for symbol in frame.symbols:
            composition[row, column[symbol]] += 1.0
    n_atoms = composition.sum(axis=1, keepdims=True)
    energies = np.array([frame.energy for frame in frames]) / n_atoms[:, 0]
    solution = np.linalg.lstsq(composition / n_atoms, energies, rcond=_SMALLEST_SINGULAR_VALUE)[0]
    return {symbol: float(solution[column[symbol]]) for symbol in species}


def total_reference_energy(frame: Frame, reference_energies: dict[str, float]) -> float:
    """Sum of the reference energies of the atoms of a frame, eV, rounded once."""
    counts = Counter(frame.symbols)
    return math.fsum(count * reference_energies[symbol] for symbol, count in counts.items())
