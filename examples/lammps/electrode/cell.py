# SPDX-License-Identifier: MIT
"""Two square walls of electrode atoms with a liquid between them, as a LAMMPS data file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

SPACING = 1.65  # angstrom, at most: walls of Gaussians with sigma 1 A are then flat to 0.1 %
VACUUM = 2.0  # angstrom, between a wall and the end of the box
WALLS = ("He", "Ne")  # stand for the atoms of the left and of the right wall, which are charges and nothing else


def between_walls(liquid: Atoms, gap: float) -> Atoms:
    """A cell that is periodic along x and y.

    Parameters
    ----------
    liquid
        Its cell is orthogonal, and the area of the walls is that of its x and y edges. Molecules must be whole.
    gap
        angstrom, by which the distance of the walls is larger on each side than the liquid is high.
    """
    edges = liquid.cell.lengths()
    n_x, n_y = (int(np.ceil(edge / SPACING)) for edge in edges[:2])
    sites = np.stack(np.meshgrid(np.arange(n_x), np.arange(n_y), indexing="ij"), axis=-1).reshape(-1, 2)
    plane = np.column_stack([(sites + 0.5) * edges[:2] / [n_x, n_y], np.zeros(len(sites))])
    distance = edges[2] + 2.0 * gap
    walls = [Atoms(f"{name}{len(plane)}", plane + [0.0, 0.0, z]) for name, z in zip(WALLS, (0.0, distance), strict=True)]
    moved = liquid.copy()
    moved.translate([0.0, 0.0, gap])
    cell = moved + walls[0] + walls[1]
    cell.translate([0.0, 0.0, VACUUM])
    cell.set_cell([edges[0], edges[1], distance + 2.0 * VACUUM])
    cell.set_pbc([True, True, False])
    return cell


def write_data(path: Path, cell: Atoms, elements: Sequence[str]) -> None:
    """Types 1, 2, ... are `elements`, and the last two are the walls."""
    write(path, cell, format="lammps-data", specorder=[*elements, *WALLS], atom_style="charge", masses=True)
