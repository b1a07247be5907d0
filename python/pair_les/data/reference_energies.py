# SPDX-License-Identifier: MIT
"""Reference energies of the elements, taken off the labels so that the network learns small numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from .frames import Frame

_SMALLEST_SINGULAR_VALUE = 1e-6
"""Relative; directions of composition that vary less are left at zero (in water, H and O vary together)."""


def fit_reference_energies(
    frames: Sequence[Frame], species: Sequence[str], known: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Least-squares atomic energies, eV: ``E / n = sum_s (n_s / n) e_s``, the smallest ones that fit best.

    Compositions that do not determine the energies (all frames are water) leave the smallest solution: -14.6
    eV per molecule becomes O -2.9 and H -5.9, the choice published with the water data of the LES papers.

    Parameters
    ----------
    frames
        With total energies in eV.
    species
        Every element of the frames.
    known
        Energies (eV) that stay as they are, such as those of isolated atoms; the other elements are fitted to what is left.
    """
    frames = [frame for frame in frames if frame.has_energy]
    fixed = {symbol: energy for symbol, energy in (known or {}).items() if symbol in species}
    fitted = [symbol for symbol in species if symbol not in fixed]
    if not fitted:
        return {symbol: fixed[symbol] for symbol in species}
    column = {symbol: index for index, symbol in enumerate(fitted)}
    composition = np.zeros((len(frames), len(fitted)))
    energies = np.array([frame.energy for frame in frames])
    for row, frame in enumerate(frames):
        for symbol in frame.symbols:
            if symbol in fixed:
                energies[row] -= fixed[symbol]
            else:
                composition[row, column[symbol]] += 1.0
    n_atoms = np.array([len(frame) for frame in frames], dtype=np.float64)
    solution = np.linalg.lstsq(
        composition / n_atoms[:, None], energies / n_atoms, rcond=_SMALLEST_SINGULAR_VALUE
    )[0]
    return {
        symbol: fixed[symbol] if symbol in fixed else float(solution[column[symbol]]) for symbol in species
    }


def total_reference_energy(frame: Frame, reference_energies: dict[str, float]) -> float:
    """Sum of the reference energies of the atoms of a frame, eV, rounded once."""
    counts = Counter(frame.symbols)
    return math.fsum(count * reference_energies[symbol] for symbol, count in counts.items())
