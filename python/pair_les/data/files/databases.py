# SPDX-License-Identifier: MIT
"""Databases of ASE, ``.db`` and ``.aselmdb``, with the key-value pairs and data of each row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms

_SUFFIXES = (".db", ".aselmdb")


def is_database(path: Path) -> bool:
    """Whether a file is a database by its name."""
    return path.suffix in _SUFFIXES


def read_database(path: Path) -> Iterator[Atoms]:
    """Rows in the order of their ids.

    Key-value pairs and data of a row go to ``info``, data with one entry per atom to ``arrays``; labels of the calculator stay there.

    Raises
    ------
    ModuleNotFoundError
        For ``.aselmdb`` without the package ``ase-db-backends``.
    """
    from ase.db import connect

    with connect(str(path)) as database:
        for row in database.select():
            atoms = row.toatoms()
            atoms.info.update(row.key_value_pairs)
            for name, value in row.data.items():
                array = np.asarray(value)
                if (
                    array.ndim
                    and len(array) == len(atoms)
                    and array.dtype.kind in "iuf"
                    and name not in atoms.arrays
                ):
                    atoms.arrays[name] = array
                else:
                    atoms.info[name] = value
            yield atoms
