# SPDX-License-Identifier: MIT
"""Labelled frames from files that ASE reads, extxyz above all; each is checked before it is used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from .labels import find_label, label_names, stress_matrix

SMALLEST_CELL_HEIGHT = 1.0
"""angstrom between opposite faces of a periodic cell; below it an atom would all but touch its own image."""


@dataclass(frozen=True)
class LabelKeys:
    """Names under which a file stores its labels: per-frame info, per-atom arrays, or ASE's calculator.

    ``stress`` and ``total_charge`` (e) are optional in the data; energies and forces are not.
    """

    energy: str = "energy"
    forces: str = "forces"
    stress: str = "stress"
    total_charge: str = "total_charge"


@dataclass(frozen=True)
class Frame:
    """One labelled configuration, in eV and angstrom.

    Parameters
    ----------
    symbols
        Chemical symbols of the n atoms.
    positions, forces
        [n, 3].
    cell
        [3, 3], rows are lattice vectors; zeros for an isolated frame.
    periodic
        Periodic in all three directions, or isolated.
    energy
        eV, as the file has it.
    stress
        [3, 3], eV/angstrom^3, positive under tension as in ASE; None where the frame has no such label.
    file, index
        Where the frame was read, counted from 0.
    """

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    periodic: bool
    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    file: str
    index: int

    @property
    def where(self) -> str:
        """How errors name this frame."""
        return frame_name(self.file, self.index)

    def __len__(self) -> int:
        return len(self.symbols)


def frame_name(file: str, index: int) -> str:
    """``file, frame 3 (counted from 0)``."""
    return f"{file}, frame {index} (counted from 0)"


def read_frames(paths: Iterable[str | os.PathLike[str]], keys: LabelKeys | None = None) -> list[Frame]:
    """Read every frame of every file, in order.

    Parameters
    ----------
    paths
        Files in any format of ASE; ``.xyz`` is read as extxyz.
    keys
        Names of the labels.

    Raises
    ------
    DataError
        With file and frame number: a missing or unreadable file, no frames, missing, misshapen or non-finite
        labels, an unknown element, periodicity along some directions only, a left-handed or too small cell.
    """
    keys = keys or LabelKeys()
    frames = []
    for path in paths:
        file = os.fspath(path)
        before = len(frames)
        frames.extend(_frame(atoms, keys, file, index) for index, atoms in read_atoms(file))
        if len(frames) == before:
            raise DataError(f"{file}: the file has no frames: give a file with at least one")
    return frames


def read_atoms(file: str) -> Iterator[tuple[int, Atoms]]:
    """Number and atoms of each frame of one file; ASE's parsers may raise anything, hence the broad net.

    Raises
    ------
    DataError
        If the file is missing or ASE cannot read it.
    """
    if not Path(file).is_file():
        what = "is a folder" if Path(file).is_dir() else "does not exist"
        raise DataError(
            f"{file}: data file {what}: check the path (relative paths start at the current folder)"
        )
    file_format = "extxyz" if file.endswith(".xyz") else None
    index = 0
    try:
        for atoms in ase.io.iread(file, index=":", format=file_format):
            yield index, atoms
            index += 1
    except DataError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise DataError(
            f"{frame_name(file, index)}: ASE cannot read it ({type(error).__name__}: {reason}): "
            f"check with 'ase info {file}'"
        ) from error


def _frame(atoms: Atoms, keys: LabelKeys, file: str, index: int) -> Frame:
    where = frame_name(file, index)
    n_atoms = len(atoms)
    if n_atoms == 0:
        raise DataError(f"{where}: the frame has no atoms: remove it")
    symbols = tuple(atoms.get_chemical_symbols())
    if "X" in symbols:
        raise DataError(f"{where}: atom {symbols.index('X')} has element 'X', which is no chemical element")
    positions = np.array(atoms.positions, dtype=np.float64)
    _require_finite(positions, "positions", where)
    periodic = _periodicity(atoms, where)
    cell = _checked_cell(atoms, where) if periodic else np.zeros((3, 3))

    energy = _label(atoms, "energy", keys.energy, where)
    if energy.size != 1:
        raise DataError(
            f"{where}: energy label '{keys.energy}' has shape {list(energy.shape)}, must be one number (eV)"
        )
    forces = _label(atoms, "forces", keys.forces, where)
    if forces.shape != (n_atoms, 3):
        raise DataError(
            f"{where}: forces label '{keys.forces}' has shape {list(forces.shape)}, "
            f"must be [{n_atoms}, 3] (eV/A)"
        )
    stress = None
    stored = find_label(atoms, keys.stress)
    if stored is not None and periodic:
        stress = stress_matrix(stored)
        if stress is None:
            raise DataError(
                f"{where}: stress label '{keys.stress}' has shape {list(np.shape(stored))}, "
                "must be 3 x 3, 9 numbers, or 6 in the order xx yy zz yz xz xy (eV/A^3)"
            )
        _require_finite(stress, f"stress label '{keys.stress}'", where)
    return Frame(
        symbols, positions, cell, periodic, float(energy.reshape(-1)[0]), forces, stress, file, index
    )


def _label(atoms: Atoms, what: str, key: str, where: str) -> NDArray[np.float64]:
    value = find_label(atoms, key)
    if value is None:
        found = ", ".join(label_names(atoms)) or "nothing"
        raise DataError(
            f"{where}: no {what} label '{key}' (the frame has: {found}): "
            f"name it with data.keys or --keys {what}=NAME"
        )
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {what} label '{key}' is {value!r}, must be numbers") from error
    _require_finite(array, f"{what} label '{key}'", where)
    return array


def _require_finite(array: NDArray[np.float64], what: str, where: str) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        first = tuple(int(i) for i in bad[0])
        place = f" of atom {first[0]}" if array.ndim == 2 and array.shape != (3, 3) else ""
        raise DataError(
            f"{where}: {what}{place} is {array[first]}, must be finite: remove or relabel the frame"
        )


def _periodicity(atoms: Atoms, where: str) -> bool:
    pbc = [bool(flag) for flag in atoms.pbc]
    if any(pbc) and not all(pbc):
        flags = " ".join("T" if flag else "F" for flag in pbc)
        raise DataError(
            f"{where}: pbc is '{flags}', must be periodic in all three directions or none: "
            'set pbc="T T T" with enough vacuum, or pbc="F F F"'
        )
    return all(pbc)


def _checked_cell(atoms: Atoms, where: str) -> NDArray[np.float64]:
    cell = np.array(atoms.cell.array, dtype=np.float64)
    _require_finite(cell, "cell", where)
    volume = float(np.linalg.det(cell))
    faces = np.linalg.norm(np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0)), axis=1)
    height = float(np.min(np.abs(volume) / faces)) if np.all(faces > 0) else 0.0
    if height < SMALLEST_CELL_HEIGHT:
        raise DataError(
            f"{where}: the cell is too small: {height:.3g} A between opposite faces, must be at least "
            f'{SMALLEST_CELL_HEIGHT:g} A: set the cell, or pbc="F F F" for an isolated frame'
        )
    if volume < 0:
        raise DataError(
            f"{where}: the cell is left-handed (its determinant is {volume:.3g} A^3), must be right-handed: "
            "swap two lattice vectors (LAMMPS knows right-handed cells only)"
        )
    return cell


def count_labels(frames: Sequence[Frame]) -> dict[str, int]:
    """How many frames carry each kind of label, and how many are periodic."""
    return {
        "frames": len(frames),
        "atoms": sum(len(frame) for frame in frames),
        "periodic": sum(frame.periodic for frame in frames),
        "stress": sum(frame.stress is not None for frame in frames),
    }
