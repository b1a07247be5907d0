# SPDX-License-Identifier: MIT
"""Isolated frames whose atoms would touch their images across the cell that the file has: crystals or liquids without ``pbc``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from .findings import Finding
from .frames import Frame
from .geometry import SMALLEST_CELL_HEIGHT, smallest_height
from .neighbors import neighbor_list

_TOUCHING = 1.3
"""Distance to an image in units of the sum of the covalent radii, within which two atoms are bonded."""


def open_cell_findings(frames: Sequence[Frame]) -> list[Finding]:
    """A line about frames with a cell and without periodicity whose atoms are bonded to atoms across the faces of the cell."""
    found = [frame for frame in frames if _touches_images(frame)]
    if not found:
        return []
    more = f" (and {len(found) - 1} more frames)" if len(found) > 1 else ""
    return [
        Finding(
            f'{found[0].where}: the frame has a cell but pbc="F F F", and atoms at its faces are as close to their images as bonded '
            f'atoms are{more}: write pbc="T T T" if it is periodic, or remove the cell',
            True,
        )
    ]


def _touches_images(frame: Frame) -> bool:
    if frame.periodic or frame.atoms is None or not frame.atoms.cell.array.any():
        return False
    cell = frame.atoms.cell.array
    if smallest_height(cell) < SMALLEST_CELL_HEIGHT:
        return False
    radii = covalent_radii[[atomic_numbers[symbol] for symbol in frame.symbols]]
    (first, second), shifts = neighbor_list(frame.positions, cell, True, 2.0 * _TOUCHING * float(radii.max()))
    across = shifts.any(axis=1)
    first, second, shifts = first[across], second[across], shifts[across]
    distances = np.linalg.norm(frame.positions[second] - frame.positions[first] + shifts @ cell, axis=1)
    return bool((distances < _TOUCHING * (radii[first] + radii[second])).any())
