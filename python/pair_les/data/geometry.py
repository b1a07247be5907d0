# SPDX-License-Identifier: MIT
"""Cell and periodicity of a frame: what a file says, checked, with keys that a reader passes over named as errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from ..long_range.slab import cell_with_vacuum

SMALLEST_CELL_HEIGHT = 1.0
"""angstrom between opposite faces of a periodic cell; below it an atom would all but touch its own image."""

_CELL_NAMES = frozenset(
    {"lattice", "latticevectors", "latt", "cell", "unitcell", "cellvectors", "supercell", "box"}
)
_PERIODICITY_NAMES = frozenset({"pbc", "periodic", "periodicity", "periodicboundaryconditions"})
_FLAGS = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


@dataclass(frozen=True)
class Cell:
    """Lattice of a frame.

    Parameters
    ----------
    vectors
        [3, 3], angstrom, rows are lattice vectors, right-handed; zeros for an isolated frame.
    periodic
        Whether the frame is periodic; a slab is, with empty space along its third lattice vector.
    slab
        Whether it repeats along the first two lattice vectors only.
    """

    vectors: NDArray[np.float64]
    periodic: bool
    slab: bool = False


def read_cell(atoms: Atoms, where: str) -> Cell:
    """The lattice of a frame.

    A left-handed cell is replaced by its inverse image (all three vectors change sign): the same lattice, right-handed,
    so that positions, forces and stress stay as they are. A frame that is periodic in two directions gets the cell of
    `cell_with_vacuum`.

    Parameters
    ----------
    atoms
        One frame.
    where
        How errors name the frame.

    Raises
    ------
    DataError
        A cell or a periodicity under a name that is not read, a periodic frame without a cell or with one that is too
        small or not finite, or periodicity in one direction only.
    """
    _require_known_names(atoms, where)
    pbc = [bool(flag) for flag in atoms.pbc]
    flags = " ".join("T" if flag else "F" for flag in pbc)
    if not any(pbc):
        return Cell(np.zeros((3, 3)), False)
    if sum(pbc) == 1:
        raise DataError(
            f'{where}: pbc is "{flags}", must be periodic in three directions, two (a slab) or none: '
            'set pbc="T T T" with enough vacuum, or pbc="F F F"'
        )
    cell = np.array(atoms.cell.array, dtype=np.float64)
    if not np.isfinite(cell).all():
        raise DataError(f"{where}: the cell is {cell.tolist()}, must be finite: remove or repair the frame")
    if not cell.any():
        raise DataError(
            f'{where}: pbc is "{flags}" and there is no cell: give Lattice="ax ay az bx by bz cx cy cz", or '
            'pbc="F F F" for an isolated frame'
        )
    slab = not all(pbc)
    if slab:
        cell = cell_with_vacuum(cell, pbc, atoms.positions)
    volume = float(np.linalg.det(cell))
    height = smallest_height(cell)
    if height < SMALLEST_CELL_HEIGHT:
        raise DataError(
            f"{where}: the cell is too small: {height:.3g} A between opposite faces, must be at least "
            f'{SMALLEST_CELL_HEIGHT:g} A: set the cell, or pbc="F F F" for an isolated frame'
        )
    return Cell(cell if volume > 0 else -cell, True, slab)


def smallest_height(cell: NDArray[np.float64]) -> float:
    """Smallest distance between opposite faces of a cell [3, 3], in its unit of length; 0 for a flat one."""
    faces = np.linalg.norm(np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0)), axis=1)
    return float(np.min(np.abs(np.linalg.det(cell)) / faces)) if np.all(faces > 0) else 0.0


def _require_known_names(atoms: Atoms, where: str) -> None:
    """A cell or a periodicity that ASE took for a label would make a periodic frame an isolated one."""
    for name, value in atoms.info.items():
        plain = name.lower().replace("_", "").replace("-", "")
        if plain == "properties":
            raise DataError(
                f"{where}: key '{name}' is not read, and with it the columns that it names: write it 'Properties='"
            )
        if plain in _CELL_NAMES and not atoms.cell.array.any() and _count_numbers(value) in (3, 6, 9):
            raise DataError(
                f"{where}: key '{name}' is not read, so that the frame would be isolated: write "
                'Lattice="ax ay az bx by bz cx cy cz" (capital L, nine numbers), or remove the key and write pbc="F F F"'
            )
        if plain in _PERIODICITY_NAMES:
            flags = _parse_flags(value)
            if flags is not None and flags != [bool(flag) for flag in atoms.pbc]:
                text, taken = (" ".join("T" if flag else "F" for flag in f) for f in (flags, atoms.pbc))
                raise DataError(
                    f'{where}: key \'{name}\' says "{text}" and is not read, the frame has pbc="{taken}": write '
                    f'pbc="{text}", or remove the key'
                )


def _count_numbers(value: Any) -> int:
    """Count the finite numbers of an entry of a comment line; 0 where it is not numbers."""
    try:
        numbers = np.array(
            value.replace(",", " ").split() if isinstance(value, str) else value, dtype=np.float64
        )
    except (TypeError, ValueError):
        return 0
    return numbers.size if np.isfinite(numbers).all() else 0


def _parse_flags(value: Any) -> list[bool] | None:
    """Three flags from one or three; None where an entry is not flags."""
    words = value.split() if isinstance(value, str) else [str(part) for part in np.ravel(value)]
    flags = [_FLAGS[word.lower()] for word in words if word.lower() in _FLAGS]
    if len(words) not in (1, 3) or len(flags) < len(words):
        return None
    return flags * 3 if len(flags) == 1 else flags
