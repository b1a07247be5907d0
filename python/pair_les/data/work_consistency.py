# SPDX-License-Identifier: MIT
"""Test of forces and stresses as derivatives of the energies, on pairs of frames that are close to each other.

Between two frames with the same atoms the energy changes by the work of forces and stresses, by the trapezoidal rule::

    E_j - E_i = -1/2 sum_atoms (F_i + F_j) . u  +  1/2 (V_i sigma_i + V_j sigma_j) : eps      + third order

with u the displacements at the mean cell (from fractional coordinates) and eps the strain between the cells. Over many
pairs the two sums are fitted to the energy differences with one factor each; both are 1 where units and signs are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .frames import Frame

LARGEST_DISPLACEMENT = 0.2
"""angstrom, root mean square over the atoms of a pair; beyond it the third order is no longer small."""

LARGEST_STRAIN = 0.06
"""Largest component of the strain between two cells, for the same reason; rotations of the cell are compared with it, too."""

FEWEST_PAIRS = 4
"""Needed for a verdict."""

_FRAMES_PER_GROUP = 40
"""Frames with the same atoms of which all pairs are looked at; of the others only pairs that follow each other."""

_SMALLEST_WORK = 1e-5
"""eV/atom at a distance of 0.1 angstrom, root mean square: a sum below this is no work at all."""

_STRAIN_LENGTH = 3.0
"""angstrom: a strain displaces neighbors by this times it."""

_SMALLEST_DISTANCE = 0.02
"""angstrom, so that two all but equal frames, whose energies differ by rounding, do not outweigh all others."""


@dataclass(frozen=True)
class WorkFactor:
    """Factor by which the work of one kind of label has to be multiplied to give the energy differences.

    Parameters
    ----------
    value
        The factor.
    certain
        Whether the pairs determine it to 10 %, energy differences are mostly explained with it, and it leaves less than half
        the deviations that a factor of 1 leaves.
    """

    value: float
    certain: bool


@dataclass(frozen=True)
class WorkFactors:
    """Result of the fit over `n_pairs` pairs; None for a kind of label that does no work in them."""

    forces: WorkFactor | None
    stress: WorkFactor | None
    n_pairs: int


def fit_work_factors(frames: Sequence[Frame]) -> WorkFactors | None:
    """Factors of the works of forces and stresses; None with fewer than `FEWEST_PAIRS` pairs of close frames.

    Pairs count by the inverse of their distance cubed, the order of the error of the rule. Absolute deviations are
    minimized, so that single wrong labels do not matter.
    """
    rows = np.array([row for first, second in _pairs(frames) if (row := _work(first, second)) is not None])
    if len(rows) < FEWEST_PAIRS:
        return None
    differences, works = rows[:, 0], rows[:, 1:]
    size = float(np.abs(differences).sum())
    used = [column for column in (0, 1) if np.sqrt(np.mean(works[:, column] ** 2)) > _SMALLEST_WORK]
    if not used or size == 0.0:
        return None
    factors, errors = _fit_absolute(works[:, used], differences)
    left = float(np.abs(differences - works[:, used] @ factors).sum())
    found: list[WorkFactor | None] = [None, None]
    for column, factor, error in zip(used, factors, errors, strict=True):
        others = [other for other in used if other != column]
        left_by_one = differences - works[:, column]
        if others:
            left_by_one = left_by_one - works[:, others] @ _fit_absolute(works[:, others], left_by_one)[0]
        certain = (
            error < 0.1 * abs(factor) and left < 0.5 * size and left < 0.5 * float(np.abs(left_by_one).sum())
        )
        found[column] = WorkFactor(float(factor), bool(certain))
    return WorkFactors(found[0], found[1], len(rows))


def _pairs(frames: Sequence[Frame]) -> list[tuple[Frame, Frame]]:
    """Pairs of frames with the same atoms in the same order."""
    groups: dict[tuple, list[Frame]] = {}
    for frame in frames:
        if not (frame.has_energy and frame.has_forces):
            continue
        groups.setdefault((frame.symbols, frame.periodic), []).append(frame)
    found = []
    for group in groups.values():
        found += list(zip(group[:-1], group[1:], strict=True))
        chosen = np.unique(np.linspace(0, len(group) - 1, _FRAMES_PER_GROUP).astype(int))
        found += [(group[i], group[j]) for i in chosen for j in chosen if j > i + 1]
    return found


def _work(first: Frame, second: Frame) -> NDArray[np.float64] | None:
    """Energy difference, work of the forces and work of the stress of a pair, [3], eV/atom, scaled to a distance of 0.1
    angstrom; None where the frames are not close.
    """
    strain = np.zeros((3, 3))
    if first.slab:
        return None  # the length of its vacuum is no strain
    if first.periodic:
        deformation = np.linalg.solve(first.cell, second.cell)
        strain = 2.0 * (deformation - np.eye(3)) @ np.linalg.inv(deformation + np.eye(3))
        if np.abs(strain).max() > LARGEST_STRAIN:
            return None
        steps = second.positions @ np.linalg.inv(second.cell) - first.positions @ np.linalg.inv(first.cell)
        displacements = (steps - np.round(steps)) @ (0.5 * (first.cell + second.cell))
    else:
        displacements = second.positions - first.positions
    displacement = float(np.sqrt(np.mean(np.sum(displacements**2, axis=1))))
    if displacement > LARGEST_DISPLACEMENT:
        return None
    of_forces = -0.5 * float(np.sum((first.forces + second.forces) * displacements))
    of_stress = 0.0
    if np.abs(strain).max() > 1e-6:
        if first.stress is None or second.stress is None:
            return None
        loads = [abs(np.linalg.det(frame.cell)) * frame.stress for frame in (first, second)]
        of_stress = 0.5 * float(np.sum((loads[0] + loads[1]) * strain))
    distance = max(float(np.hypot(displacement, _STRAIN_LENGTH * np.abs(strain).max())), _SMALLEST_DISTANCE)
    scale = (0.1 / distance) ** 3 / len(first)
    return scale * np.array([second.energy - first.energy, of_forces, of_stress])


def _fit_absolute(
    columns: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients of least absolute deviations by reweighted least squares, and their standard errors."""
    scale = np.sqrt(np.mean(columns**2, axis=0))
    columns = columns / scale
    weights = np.ones(len(target))
    smallest = 1e-6 * np.abs(target).mean()
    for _ in range(30):
        root = np.sqrt(weights)
        inverse = np.linalg.pinv(columns * root[:, None], rcond=1e-8)
        factors = inverse @ (target * root)
        residuals = np.abs(target - columns @ factors)
        weights = 1.0 / np.maximum(residuals, smallest)
    spread = np.median(residuals) * 1.4826
    errors = spread * np.sqrt(np.diag(np.linalg.pinv(columns.T @ columns)))
    return factors / scale, errors / scale
