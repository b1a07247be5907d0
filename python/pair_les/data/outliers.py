# SPDX-License-Identifier: MIT
"""Labels far from all others of their kind, by robust spread: medians and median absolute deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray

from .frames import Frame
from .neighbors import neighbor_list

RATIO = 20.0
"""An outlier is so many times as far out as its kind usually is; in data sets of thermal configurations the largest force
is 3 to 20 times, and of molecules far apart 60 times the median (which `SMALLEST_FORCE` keeps out)."""

SMALLEST_FORCE, LARGEST_FORCE = 20.0, 100.0
"""eV/angstrom: a force below the first is never an outlier; one above the second needs another atom close by."""

SMALLEST_ENERGY, LARGEST_ENERGY = 5.0, 50.0
"""eV/atom beyond what the composition explains; cohesive energies are below 10."""

LARGE_STRESS, LARGEST_STRESS = 15.0, 60.0
"""eV/atom, stress times volume per atom: water at 270 GPa has 4, iron at 1000 GPa about 35."""

CLOSE = 0.7
"""Distance of two atoms in units of the sum of their covalent radii, below which large forces and energies are physical."""


@dataclass(frozen=True)
class Outlier:
    """The label of a frame (of an atom of it) that is far out.

    Parameters
    ----------
    frame
        Where it is.
    text
        What it is, with value and unit, for a message.
    size
        Its value, for the order.
    explained
        Whether atoms are so close that the value can be right.
    """

    frame: Frame
    text: str
    size: float
    explained: bool


def force_outliers(frames: Sequence[Frame]) -> list[Outlier]:
    """Largest force of each frame that has an outlier, compared with the forces on atoms of the same element."""
    frames = [frame for frame in frames if frame.has_forces]
    if not frames:
        return []
    norms = [np.linalg.norm(frame.forces, axis=1) for frame in frames]
    symbols = np.concatenate([np.array(frame.symbols) for frame in frames])
    joined = np.concatenate(norms)
    typical = {symbol: robust_size(joined[symbols == symbol]) for symbol in np.unique(symbols)}
    found = []
    for frame, sizes in zip(frames, norms, strict=True):
        limits = np.maximum(SMALLEST_FORCE, RATIO * np.array([typical[symbol] for symbol in frame.symbols]))
        if not (sizes > limits).any():
            continue
        atom = int(np.argmax(np.where(sizes > limits, sizes, 0.0)))
        distance = _closest_contact(frame, atom)
        symbol = frame.symbols[atom]
        text = f"the force on atom {atom} ({symbol}) is {sizes[atom]:.4g} eV/A, typical of {symbol} is {typical[symbol]:.2g}"
        found.append(
            Outlier(frame, text, float(sizes[atom]), distance < CLOSE or sizes[atom] < LARGEST_FORCE)
        )
    return sorted(found, key=lambda outlier: -outlier.size)


def energy_outliers(frames: Sequence[Frame]) -> list[Outlier]:
    """Frames whose energy is far from what the compositions of the frames explain, by least absolute deviations."""
    frames = [frame for frame in frames if frame.has_energy]
    if not frames:
        return []
    elements = sorted({symbol for frame in frames for symbol in frame.symbols})
    fractions = np.array(
        [[frame.symbols.count(symbol) / len(frame) for symbol in elements] for frame in frames]
    )
    energies = np.array([frame.energy / len(frame) for frame in frames])
    residuals = energies - fractions @ _absolute_fit(fractions, energies)
    limit = max(SMALLEST_ENERGY, RATIO * robust_size(np.abs(residuals)))
    found = []
    for index in np.flatnonzero(np.abs(residuals) > limit).tolist():
        frame = frames[index]
        text = f"the energy is {residuals[index]:+.4g} eV/atom from what the other frames have for this composition"
        explained = abs(residuals[index]) < LARGEST_ENERGY or _closest_contact(frame) < CLOSE
        found.append(Outlier(frame, text, float(abs(residuals[index])), explained))
    return sorted(found, key=lambda outlier: -outlier.size)


def stress_outliers(frames: Sequence[Frame]) -> list[Outlier]:
    """Frames with a component of stress times volume above `LARGE_STRESS`; beyond `LARGEST_STRESS` it is not explained."""
    found = []
    for frame in frames:
        if frame.stress is None:
            continue
        stress = float(np.abs(frame.stress).max())
        size = stress * abs(float(np.linalg.det(frame.cell))) / len(frame)
        if size > LARGE_STRESS:
            text = (
                f"a component of the stress is {stress:.4g} eV/A^3 ({160.21766 * stress:.4g} GPa), times the volume "
                f"{size:.4g} eV/atom"
            )
            found.append(Outlier(frame, text, size, size < LARGEST_STRESS))
    return sorted(found, key=lambda outlier: -outlier.size)


def robust_size(values: NDArray[np.float64]) -> float:
    """Median plus the median absolute deviation, scaled to a standard deviation, of numbers that are not negative."""
    median = np.median(values)
    return float(median + 1.4826 * np.median(np.abs(values - median)))


def _absolute_fit(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.ones(len(target))
    factors = np.zeros(columns.shape[1])
    for _ in range(30):
        root = np.sqrt(weights)
        factors[:] = np.linalg.lstsq(columns * root[:, None], target * root, rcond=1e-6)[0]
        weights = 1.0 / np.maximum(np.abs(target - columns @ factors), 1e-3)
    return factors


def _closest_contact(frame: Frame, atom: int | None = None) -> float:
    """Smallest distance (of one atom) in units of the sum of the covalent radii; infinite where none is below 1."""
    radii = covalent_radii[[atomic_numbers[symbol] for symbol in frame.symbols]]
    (first, second), shifts = neighbor_list(
        frame.positions, frame.cell, frame.periodic, 2.0 * float(radii.max())
    )
    if atom is not None:
        kept = first == atom
        first, second, shifts = first[kept], second[kept], shifts[kept]
    if len(first) == 0:
        return float("inf")
    distances = np.linalg.norm(frame.positions[second] - frame.positions[first] + shifts @ frame.cell, axis=1)
    return float(np.min(distances / (radii[first] + radii[second])))
