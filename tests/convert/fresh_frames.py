# SPDX-License-Identifier: MIT
"""Frames on which converted models are compared with the package that they come from."""

from __future__ import annotations

import numpy as np
from ase import Atoms


def frames(symbols: list[str], n: int = 3, spacing: float = 2.3, seed: int = 3) -> list[Atoms]:
    """A triclinic cell, the same repeated, an isolated cluster, two atoms beyond each other's reach, one atom."""
    random = np.random.default_rng(seed)
    cell = np.array([[1.0, 0.0, 0.0], [0.25, 1.1, 0.0], [-0.2, 0.15, 0.95]]) * n * spacing
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3) / n
    chosen = [symbols[k % len(symbols)] for k in random.permutation(n**3)]
    positions = grid @ cell + random.uniform(-0.25, 0.25, (n**3, 3))
    bulk = Atoms(chosen, positions=positions, cell=cell, pbc=True)
    return [
        bulk,
        bulk * (2, 1, 1),
        Atoms(chosen, positions=1.2 * positions),
        Atoms(symbols[:1] * 2, positions=[[0.0, 0.0, 0.0], [0.0, 0.0, 30.0]]),
        Atoms(symbols[-1:], positions=[[1.0, 2.0, 3.0]]),
    ]
