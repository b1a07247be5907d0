# SPDX-License-Identifier: MIT
"""Layout of an xyz file, checked before it is parsed.

ASE ends at the first empty line, ignores columns that ``Properties`` does not name, and reports a wrong number of atoms for the
first frame: files that end in the middle or were joined with empty lines would lose frames without a message.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

from ase.io.formats import open_with_compression

from ...errors import DataError
from .names import frame_name

_COMPRESSED = (".gz", ".bz2", ".xz")
_PROPERTIES = re.compile(r'(?:^|\s)Properties=(?:"([^"]*)"|(\S+))')


def is_xyz(path: Path) -> bool:
    """Whether a file is xyz by its name, which may end with that of a compression."""
    suffixes = path.suffixes[:-1] if path.suffix in _COMPRESSED else path.suffixes
    return bool(suffixes) and suffixes[-1] in (".xyz", ".extxyz")


def check_layout(path: Path) -> None:
    """Check the numbers of atoms and columns of all frames.

    Raises
    ------
    DataError
        With frame and line (counted from 1).
    """
    with open_with_compression(str(path)) as stream:
        index, line_number = 0, 1
        header = stream.readline()
        while header:
            where = f"{frame_name(str(path), index)}: ASE cannot read it: line {line_number}"
            if not header.strip():
                _require_end(stream, where)
                return
            if not header.strip().isdecimal():
                raise DataError(
                    f"{where}: '{header.strip()[:40]}' is not the number of atoms of a frame: correct the number of the frame "
                    "before, or remove lines that belong to no frame"
                )
            n_atoms = int(header)
            _check_rows(stream, n_atoms, where)
            index, line_number = index + 1, line_number + n_atoms + 2
            header = stream.readline()
            while header.lstrip().startswith("VEC"):  # lattice vectors that some writers append
                header, line_number = stream.readline(), line_number + 1


def _check_rows(stream: IO[str], n_atoms: int, where: str) -> None:
    match = _PROPERTIES.search(stream.readline())
    n_columns = None if match is None else sum(map(int, (match[1] or match[2]).split(":")[2::3]))
    rows = [row for _ in range(n_atoms) if (row := stream.readline())]
    if len(rows) < n_atoms:
        raise DataError(
            f"{where}: the frame has {len(rows)} of {n_atoms} atoms, then the file ends: remove the frame, or write the file again"
        )
    for atom, row in enumerate(rows):
        found = len(row.split())
        if found == 0:
            raise DataError(
                f"{where}: the line of atom {atom} is empty: remove it, or correct the number of atoms"
            )
        if n_columns is not None and found != n_columns:
            raise DataError(
                f"{where}: the line of atom {atom} has {found} columns, Properties names {n_columns}: name all columns, as in "
                "Properties=species:S:1:pos:R:3:forces:R:3"
            )


def _require_end(stream: IO[str], where: str) -> None:
    """Empty lines are allowed at the end of a file alone."""
    if any(line.strip() for line in stream):
        raise DataError(f"{where}: an empty line between frames, which ends the file for ASE: remove it")
