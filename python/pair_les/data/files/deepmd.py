# SPDX-License-Identifier: MIT
"""Folders in the NumPy format of DeePMD-kit, also with a mixture of compositions (``deepmd/npy/mixed``).

A folder has ``type.raw`` (type of each atom), ``type_map.raw`` (element of each type), ``nopbc`` where the frames are isolated, and
``set.*`` with ``coord.npy``, ``box.npy``, ``energy.npy``, ``force.npy``, ``virial.npy``, one row per frame, in eV and angstrom. A
mixture has ``real_atom_types.npy`` in each set. The virial is minus volume times stress, as ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...errors import DataError

LABELS = {"energy": "energy", "forces": "force", "virial": "virial"}
"""Kind of label, and the name of its file."""


def is_deepmd_folder(path: Path) -> bool:
    """Whether a folder is in this format."""
    return path.is_dir() and (path / "type.raw").is_file()


def read_deepmd(folder: Path) -> Iterator[Atoms]:
    """Frames in the order of the sets, with energy and virial in ``info`` and forces in ``arrays``.

    Raises
    ------
    DataError
        With the file: one that is missing, or has another shape than the atoms.
    """
    elements = _elements(folder)
    types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1).reshape(-1)
    sets = sorted(folder.glob("set.*"))
    if not sets:
        raise DataError(
            f"{folder}: the DeePMD folder has no set.* with coord.npy: convert its *.raw files first"
        )
    for part in sets:
        yield from _read_set(part, types, elements, not (folder / "nopbc").exists())


def _elements(folder: Path) -> list[str]:
    file = folder / "type_map.raw"
    if not file.is_file():
        raise DataError(f"{file}: the file is missing: write the element of each type of type.raw into it")
    elements = file.read_text(encoding="utf-8").split()
    unknown = [element for element in elements if element not in chemical_symbols[1:]]
    if unknown:
        raise DataError(f"{file}: '{unknown[0]}' is no chemical element: write symbols such as O and H")
    return elements


def _read_set(part: Path, types: NDArray[np.int64], elements: list[str], periodic: bool) -> Iterator[Atoms]:
    n_atoms = len(types)
    positions = _load(part / "coord.npy", n_atoms * 3)
    if positions is None:
        raise DataError(f"{part / 'coord.npy'}: the file is missing: a set needs positions")
    n_frames = len(positions)
    cells = _load(part / "box.npy", 9, n_frames) if periodic else None
    if periodic and cells is None:
        raise DataError(
            f"{part / 'box.npy'}: the file is missing: give cells, or an empty file nopbc beside type.raw"
        )
    mixed = _load(part / "real_atom_types.npy", n_atoms, n_frames)
    sizes = {"energy": 1, "forces": 3 * n_atoms, "virial": 9}
    labels = {kind: _load(part / f"{name}.npy", sizes[kind], n_frames) for kind, name in LABELS.items()}
    for index in range(n_frames):
        indices = types if mixed is None else mixed[index].astype(int)
        if indices.min() < 0 or indices.max() >= len(elements):
            raise DataError(
                f"{part}: type {indices.max()} has no element: type_map.raw names {len(elements)} ({' '.join(elements)})"
            )
        atoms = Atoms([elements[i] for i in indices], positions[index].reshape(n_atoms, 3))
        if cells is not None:
            atoms.set_cell(cells[index].reshape(3, 3))
            atoms.pbc = True
        if labels["energy"] is not None:
            atoms.info["energy"] = float(labels["energy"][index, 0])
        if labels["forces"] is not None:
            atoms.arrays["forces"] = labels["forces"][index].reshape(n_atoms, 3).astype(float)
        if labels["virial"] is not None:
            atoms.info["virial"] = labels["virial"][index].reshape(3, 3).astype(float)
        yield atoms


def _load(file: Path, columns: int, rows: int | None = None) -> NDArray | None:
    """[rows, columns]; None where the file is missing."""
    if not file.is_file():
        return None
    try:
        array = np.load(file)
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: NumPy cannot read it ({error}): write it with numpy.save") from error
    if array.size % columns or (rows is not None and array.size != rows * columns):
        expected = f"[{'frames' if rows is None else rows}, {columns}]"
        raise DataError(f"{file}: has shape {list(array.shape)}, must be {expected}: correct it, or type.raw")
    return array.reshape(-1, columns)
