# SPDX-License-Identifier: MIT
"""Random frames on which a converted model is compared with its own package."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

_CELL = np.array([[1.0, 0.0, 0.0], [0.2, 1.05, 0.0], [-0.15, 0.25, 0.95]])
"""Triclinic, in units of the edge."""


def comparison_frames(species: list[str], cutoff: float, seed: int = 0) -> list[Atoms]:
    """A triclinic crystal-like frame, an isolated cluster, and a lone atom.

    Atoms sit near the points of a grid, so that none are too close; every species occurs as often as there is room.

    Parameters
    ----------
    species
        Chemical symbols.
    cutoff
        Angstrom; atoms have neighbors within it, and in the cluster others beyond it.
    seed
        Of positions and elements.
    """
    random = np.random.default_rng(seed)
    periodic = _grid(species, cutoff, random)
    periodic.set_cell(_CELL * periodic.info.pop("edge"), scale_atoms=False)
    periodic.pbc = True
    cluster = _grid(species, cutoff, random)
    cluster.info.clear()
    cluster.positions *= max(1.0, 1.2 * cutoff / np.ptp(cluster.positions[:, 0]))
    lone = Atoms(species[-1:], positions=[[0.3, -0.2, 0.1]])
    return [periodic, cluster, lone]


def _grid(species: list[str], cutoff: float, random: np.random.Generator) -> Atoms:
    """27 atoms of random species near the points of a sheared grid; the cell's edge is ``info["edge"]``."""
    n = 3
    symbols = (species * (n**3 // len(species) + 1))[: n**3] if len(species) <= n**3 else None
    chosen = random.permutation(symbols if symbols else species)[: n**3]
    radius = max(covalent_radii[atomic_numbers[str(symbol)]] for symbol in chosen)
    spacing = min(2.0 * radius + 0.6, 0.6 * cutoff)  # every atom has neighbors
    points = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3) / n
    positions = points @ (_CELL * n * spacing) + random.uniform(-0.15, 0.15, (n**3, 3)) * spacing
    atoms = Atoms([str(symbol) for symbol in chosen], positions=positions)
    atoms.info["edge"] = n * spacing
    return atoms
