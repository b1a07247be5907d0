# SPDX-License-Identifier: MIT
"""Frames of LAMMPS dumps, one at a time, read by MDAnalysis."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError


@dataclass(frozen=True)
class Snapshot:
    """One frame of n atoms, sorted by id; the corner of the box is the origin.

    ``step``; ``positions`` [n, 3], angstrom (float32 as MDAnalysis keeps them); ``dimensions`` [6], edges in
    angstrom and angles in degrees; ``cell`` [3, 3], rows; ``periodic``, along each lattice vector; ``types`` [n] from 1;
    ``charges`` [n], e, or None; ``molecules`` [n], or None.
    """

    step: int
    positions: NDArray[np.float32]
    dimensions: NDArray[np.float32]
    cell: NDArray[np.float64]
    periodic: tuple[bool, bool, bool]
    types: NDArray[np.int64]
    charges: NDArray[np.float64] | None
    molecules: NDArray[np.int64] | None

    @property
    def volume(self) -> float:
        """angstrom^3."""
        return float(np.linalg.det(self.cell))


class Trajectory:
    """The frames of one or more dumps (``dump custom ... id type x y z q`` and more columns, in any order).

    Parameters
    ----------
    files
        Text dumps, also compressed; all of the same atoms.
    first, stride
        Frames before `first` are left out (equilibration), then every `stride`-th is taken.

    Raises
    ------
    DataError
        If a file is missing, is no dump, or lacks the columns id, type and positions.
    """

    def __init__(self, files: Sequence[str | os.PathLike[str]], first: int = 0, stride: int = 1) -> None:
        if not files:
            raise DataError("no dump was given: name at least one")
        if first < 0 or stride < 1:
            raise DataError(f"first {first}, stride {stride}: must be >= 0 and >= 1")
        self.first, self.stride = first, stride
        self.files = [os.fspath(file) for file in files]
        headers = [_read_header(file) for file in self.files]
        self.columns = set.intersection(*(columns for columns, _ in headers))
        self._periodic = headers[0][1]
        self._readers = [self._open(file) for file in self.files]
        if len({reader.n_atoms for reader in self._readers}) != 1:
            counts = ", ".join(
                f"{reader.n_atoms} in {file}" for reader, file in zip(self._readers, self.files, strict=True)
            )
            raise DataError(f"the dumps have different numbers of atoms ({counts}): analyze them one by one")
        self.n_atoms = int(self._readers[0].n_atoms)
        total = sum(reader.n_frames for reader in self._readers)
        self.numbers = range(first, total, stride)
        if not len(self.numbers):
            raise DataError(
                f"{', '.join(self.files)}: no frame is left of {total} after first {first}: take a smaller one"
            )

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Snapshot]:
        number = 0
        for reader, file in zip(self._readers, self.files, strict=True):
            for frame in range(reader.n_frames):
                if number in self.numbers:
                    yield self._snapshot(reader, frame, file)
                number += 1

    def _open(self, file: str):
        from MDAnalysis.coordinates.LAMMPS import DumpReader

        wanted = [name for name in ("type", "q", "mol") if name in self.columns]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return DumpReader(file, additional_columns=wanted, dt=1.0)
        except (ValueError, IndexError, OSError, EOFError) as error:
            raise DataError(
                f"{file}: MDAnalysis cannot read it ({error}): give a LAMMPS text dump"
            ) from error

    def _snapshot(self, reader, frame: int, file: str) -> Snapshot:
        from MDAnalysis.lib.mdamath import triclinic_vectors

        try:
            found = reader[frame]
        except (ValueError, IndexError, EOFError) as error:
            raise DataError(
                f"{file}, frame {frame} (counted from 0): MDAnalysis cannot read it ({error}): a run that still "
                "writes, or was killed? cut the file after its last whole frame"
            ) from error
        dimensions = np.array(found.dimensions)
        data = found.data
        return Snapshot(
            step=int(data["step"]),
            positions=np.array(found.positions),
            dimensions=dimensions,
            cell=np.array(triclinic_vectors(dimensions), dtype=np.float64),
            periodic=self._periodic,
            types=np.array(data["type"], dtype=np.int64),
            charges=np.array(data["q"], dtype=np.float64) if "q" in data else None,
            molecules=np.array(data["mol"], dtype=np.int64) if "mol" in data else None,
        )


def _read_header(file: str) -> tuple[set[str], tuple[bool, bool, bool]]:
    """Names of the columns of a dump, and along which lattice vectors its box is periodic."""
    from MDAnalysis.lib.util import anyopen

    if not Path(file).is_file():
        raise DataError(f"{file}: dump does not exist: check the path")
    try:  # anyopen reads a line by itself
        with anyopen(file, "rt") as stream:
            head = [stream.readline() for _ in range(9)]
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a text dump: write it with 'dump ID all custom'") from error
    if not head[0].startswith("ITEM: TIMESTEP") or not head[8].startswith("ITEM: ATOMS"):
        raise DataError(
            f"{file}: not a LAMMPS dump: write one with 'dump ID all custom 100 FILE id type x y z q'"
        )
    names = set(head[8].split()[2:])
    if not {"id", "type"} <= names or not any({x, y, z} <= names for x, y, z in _POSITIONS):
        raise DataError(
            f"{file}: the columns are {' '.join(head[8].split()[2:])}, must have id, type and positions: "
            "dump id type x y z q"
        )
    boundaries = [word for word in head[4].split() if len(word) == 2 and set(word) <= set("pfsm")]
    x, y, z = ([word == "pp" for word in boundaries] + 3 * [True])[:3]  # dumps before 2009 do not say
    return names, (x, y, z)


_POSITIONS = (("x", "y", "z"), ("xs", "ys", "zs"), ("xu", "yu", "zu"), ("xsu", "ysu", "zsu"))
