# SPDX-License-Identifier: MIT
"""Two flat walls of electrode atoms, empty or with ions between them, for the tests of Python and of LAMMPS."""

from __future__ import annotations

import math

import numpy as np

KE = 14.3996454784
"""eV angstrom / e^2, written out again."""


def plate(n: int, spacing: float, z: float) -> np.ndarray:
    """Positions [n * n, 3] of a square lattice, angstrom, at height `z`."""
    index = np.array(np.meshgrid(np.arange(n), np.arange(n), indexing="ij")).reshape(2, -1).T
    return np.column_stack([(index + 0.25) * spacing, np.full(n * n, z)])


def planar_charge(voltage: float, area: float, distance: float, sigma: float) -> float:
    """Charge, e, of the plate at the higher potential, of two flat walls of Gaussian charges in vacuum."""
    return voltage * area / (4.0 * math.pi * KE * (distance - sigma * math.sqrt(2.0 / math.pi)))


def ions_between(n: int, edge: float, bottom: float, top: float, seed: int) -> np.ndarray:
    """Positions [n, 3], angstrom, at least 2.2 A apart in a cell that repeats with `edge` in x and y."""
    rng = np.random.default_rng(seed)
    placed = np.empty((0, 3))
    while len(placed) < n:
        candidate = rng.random(3) * [edge, edge, top - bottom] + [0.0, 0.0, bottom]
        vectors = placed - candidate
        vectors[:, :2] -= edge * np.round(vectors[:, :2] / edge)
        if np.all(np.linalg.norm(vectors, axis=1) > 2.2):
            placed = np.vstack([placed, candidate])
    return placed
