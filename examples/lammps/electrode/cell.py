# SPDX-License-Identifier: MIT
"""Two square walls of electrode atoms with a liquid between them, as a LAMMPS data file.

Usage: python cell.py water.data                        128 molecules on a grid
       python cell.py nacl.data FRAMES.xyz              two copies of the first frame, one above the other
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.io import read, write

SPACING = 1.65  # angstrom, at most: walls of Gaussians with sigma 1 A are then flat
VACUUM = 2.0  # angstrom, between a wall and the end of the box
GAP = 2.3  # angstrom, between a wall and the periodic cell that the liquid is cut from
WALLS = (
    "He",
    "Ne",
)  # stand for the atoms of the left and of the right wall, which are charges and nothing else
WATER_SPACING = 3.1044  # angstrom per molecule: 0.997 g/cm^3


def between_walls(liquid: Atoms, gap: float = GAP) -> Atoms:
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
    height = edges[2] + 2.0 * gap
    cell = liquid.copy()
    cell.translate([0.0, 0.0, gap])
    for name, z in zip(WALLS, (0.0, height), strict=True):
        cell += Atoms(f"{name}{len(plane)}", plane + [0.0, 0.0, z])
    cell.translate([0.0, 0.0, VACUUM])
    cell.set_cell([edges[0], edges[1], height + 2.0 * VACUUM])
    cell.set_pbc([True, True, False])
    return cell


def water(n_x: int, n_y: int, n_z: int) -> Atoms:
    """Molecules of random orientation on a grid, at the density of water."""
    rng = np.random.default_rng(1)
    one = molecule("H2O")
    one.translate(-one.get_center_of_mass())
    box = Atoms(cell=WATER_SPACING * np.array([n_x, n_y, n_z]), pbc=True)
    for site in np.ndindex(n_x, n_y, n_z):
        copy = one.copy()
        copy.euler_rotate(*rng.uniform(0.0, 360.0, 3))
        copy.translate((np.array(site) + 0.5) * WATER_SPACING)
        box += copy
    return box


def write_data(path: Path, cell: Atoms, elements: Sequence[str]) -> None:
    """Types 1, 2, ... are `elements`, and the last two are the walls."""
    write(path, cell, format="lammps-data", specorder=[*elements, *WALLS], atom_style="charge", masses=True)
    print(f"{path}: {len(cell)} atoms in {' x '.join(f'{edge:.2f}' for edge in cell.cell.lengths())} A")


def main(path: Path, frames: Path | None) -> None:
    if frames is None:
        write_data(path, between_walls(water(4, 4, 8)), ["O", "H"])
        return
    melt = read(frames, index=0).repeat((1, 1, 2))
    melt.wrap()
    write_data(path, between_walls(melt), ["Na", "Cl"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
