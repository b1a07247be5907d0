# SPDX-License-Identifier: MIT
"""Rough test of forces as derivatives of the energies, for frames that are far from each other (`work_consistency` needs close ones).

Pair potentials, one for each pair of elements, are fitted to the forces by linear least squares. The energies that follow from them
are compared with the energy labels, after what the composition and a cubic polynomial of the volume explain is taken off both: the
slope is 1 for pair potentials, and of this order for the pair part of any interaction. Forces in another unit change it by the factor of the unit,
and nearly all units differ by factors above 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from .frames import Frame
from .neighbors import neighbor_list

CUTOFF = 6.0
"""angstrom, of the pair potentials."""

SHORTEST = 0.8
"""angstrom, where the innermost function of the pair potentials is; H-H bonds have 0.74."""

N_RADIAL = 12
"""Gaussians of each pair potential."""

MOST_FRAMES, MOST_ATOMS = 60, 8000
"""Looked at, evenly spread over the set: less than a second."""

FEWEST_FRAMES = 12
"""Beyond the number of compositions and powers of the volume: fewer may agree with a wrong slope by chance."""

RIDGE = 1e-3
"""Of the least squares, relative to the square of the size of a column."""

EXPLAINED_FORCES = 0.3
"""Fraction of the squared forces that pair potentials must explain."""

LEFT_BY_VOLUME = 0.05
"""Fraction of the variance of the energies of pairs that composition and volume must leave: energies of scaled cells are the work of the
stress."""

CORRELATION = 0.7
"""Of the two energies, and"""

RELATIVE_ERROR = 0.2
"""of the slope: a slope that is less certain is none."""


@dataclass(frozen=True)
class PairSlope:
    """Slope of the energy labels against the energies of pair potentials that fit the forces.

    Parameters
    ----------
    value
        1 in size where the units belong together.
    n_frames
        Frames that it is of.
    """

    value: float
    n_frames: int


def fit_pair_slope(frames: Sequence[Frame]) -> PairSlope | None:
    """Slope of a data set; None where pair potentials or the frames do not determine it."""
    labeled = [frame for frame in frames if frame.has_energy and frame.has_forces and len(frame) > 1]
    chosen = _spread(labeled)
    if len(chosen) < FEWEST_FRAMES:
        return None
    species = sorted({symbol for frame in chosen for symbol in frame.symbols})
    designs = [_design(frame, species) for frame in chosen]
    columns = np.concatenate([of_forces for _, of_forces in designs])
    energies_of_columns = np.array([of_energy for of_energy, _ in designs])
    forces = np.concatenate([frame.forces.reshape(-1) for frame in chosen])
    coefficients = _ridge(columns, forces)
    left = float(np.sum((forces - columns @ coefficients) ** 2))
    if not left < (1.0 - EXPLAINED_FORCES) * float(np.sum(forces**2)):
        return None
    sizes = np.array([len(frame) for frame in chosen])
    explained = _trivial_columns(chosen, species)
    freedom = len(chosen) - int(np.linalg.matrix_rank(explained)) - 1
    if freedom < FEWEST_FRAMES:
        return None
    of_pairs = energies_of_columns @ coefficients / sizes
    labels = np.array([frame.energy for frame in chosen]) / sizes
    composition = explained[:, : len(species)]
    spread = _residual(of_pairs, composition)
    x, y = _residual(of_pairs, explained), _residual(labels, explained)
    if not x @ x > LEFT_BY_VOLUME * (spread @ spread) > 0.0 or not y @ y > 0.0:
        return None
    slope = float(x @ y) / float(x @ x)
    correlation = float(x @ y) / float(np.sqrt((x @ x) * (y @ y)))
    variance = float(np.sum((y - slope * x) ** 2)) / freedom
    error = float(np.sqrt(variance / (x @ x)))
    if abs(correlation) < CORRELATION or error > RELATIVE_ERROR * abs(slope):
        return None
    return PairSlope(slope, len(chosen))


def _spread(frames: Sequence[Frame]) -> list[Frame]:
    """At most `MOST_FRAMES` frames and about `MOST_ATOMS` atoms, evenly spread."""
    if not frames:
        return []
    mean = sum(len(frame) for frame in frames) / len(frames)
    n = max(1, min(MOST_FRAMES, int(MOST_ATOMS / mean), len(frames)))
    places = np.unique(np.linspace(0, len(frames) - 1, n).astype(int))
    return [frames[place] for place in places]


def _design(frame: Frame, species: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies [C] and forces [3 n, C] of each function of each pair of elements, whose coefficients are to be fitted."""
    pairs = list(combinations_with_replacement(range(len(species)), 2))
    table = np.zeros((len(species), len(species)), dtype=int)
    for number, (first, second) in enumerate(pairs):
        table[first, second] = table[second, first] = number
    kinds = np.array([species.index(symbol) for symbol in frame.symbols])
    index, shifts = neighbor_list(frame.positions, frame.cell, frame.periodic, CUTOFF)
    vectors = frame.positions[index[1]] - frame.positions[index[0]] + shifts @ frame.cell
    distances = np.linalg.norm(vectors, axis=1)
    pair = table[kinds[index[0]], kinds[index[1]]]
    values, slopes = _radial(distances)
    directions = vectors / distances[:, None]
    n_atoms, n_pairs = len(frame), len(pairs)
    energies = np.empty((n_pairs, N_RADIAL))
    forces = np.empty((n_atoms, 3, n_pairs, N_RADIAL))
    place = index[0] * n_pairs + pair
    for n in range(N_RADIAL):
        energies[:, n] = np.bincount(pair, 0.5 * values[:, n], n_pairs)
        for axis in range(3):
            column = np.bincount(place, slopes[:, n] * directions[:, axis], n_atoms * n_pairs)
            forces[:, axis, :, n] = column.reshape(n_atoms, n_pairs)
    return energies.reshape(-1), forces.reshape(3 * n_atoms, -1)


def _radial(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Functions [E, N_RADIAL] that vanish smoothly at the cutoff, and their derivatives, 1/angstrom."""
    width = (CUTOFF - SHORTEST) / (N_RADIAL - 1)
    steps = distances[:, None] / width - (SHORTEST / width + np.arange(N_RADIAL))
    gaussians = np.exp(-(steps**2))
    ratio = (distances / CUTOFF)[:, None]
    envelope, descent = (1.0 - ratio**2) ** 2, -4.0 * ratio / CUTOFF * (1.0 - ratio**2)
    return gaussians * envelope, gaussians * (descent - 2.0 * steps / width * envelope)


def _ridge(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of regularized least squares; 0 for columns of zeros."""
    scale = np.linalg.norm(columns, axis=0)
    scale[scale == 0.0] = np.inf
    scaled = columns / scale
    matrix = scaled.T @ scaled + RIDGE * np.eye(len(scale))
    found: NDArray[np.float64] = np.linalg.solve(matrix, scaled.T @ target) / scale
    return found


def _trivial_columns(frames: Sequence[Frame], species: Sequence[str]) -> NDArray[np.float64]:
    """Composition, then powers of the volume per atom where that differs, [F, ...]: what energies depend on in any unit."""
    composition = np.array(
        [[frame.symbols.count(symbol) / len(frame) for symbol in species] for frame in frames]
    )
    volumes = np.array(
        [abs(np.linalg.det(frame.cell)) / len(frame) if frame.periodic else 0.0 for frame in frames]
    )
    deviations = volumes - volumes.mean()
    if np.ptp(volumes) <= 1e-6 * np.abs(volumes).max():
        return composition
    scaled = deviations / np.abs(deviations).max()
    return np.column_stack([composition, scaled, scaled**2, scaled**3])


def _residual(values: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """What least squares on `columns` leaves of `values`."""
    fitted = np.linalg.lstsq(columns, values, rcond=1e-8)[0]
    residual: NDArray[np.float64] = values - columns @ fitted
    return residual
