# SPDX-License-Identifier: MIT
"""Frames of one file, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ase import Atoms

from ...errors import DataError
from .databases import is_database, read_database
from .deepmd import is_deepmd_folder, read_deepmd
from .names import frame_name
from .xyz_layout import check_layout, is_xyz


def read_atoms(file: str) -> Iterator[tuple[int, Atoms]]:
    """Index and atoms of each frame of one file; the parsers of ASE may raise anything, hence the broad net.

    Parameters
    ----------
    file
        A file in any format of ASE (``.xyz`` is read as extxyz), a database of ASE, or a folder of DeePMD-kit.

    Raises
    ------
    DataError
        If the file is missing or cannot be read.
    """
    path = Path(file)
    if is_deepmd_folder(path):
        yield from enumerate(read_deepmd(path))
        return
    if not path.is_file():
        raise DataError(f"{file}: data file {_absence(path)}")
    if path.stat().st_size == 0:
        raise DataError(f"{file}: the file has no frames, it is empty: give a file with at least one")
    index = 0
    try:
        for atoms in _frames_of_ase(path):
            yield index, atoms
            index += 1
    except (DataError, ModuleNotFoundError):
        raise
    except Exception as error:
        if isinstance(error, KeyError) and _is_symbol(error.args[0]):
            raise DataError(
                f"{frame_name(file, index)}: '{error.args[0]}' is no chemical element: correct the symbol"
            ) from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise DataError(
            f"{frame_name(file, index)}: ASE cannot read it ({type(error).__name__}: {reason}): "
            f"check with 'ase info {file}'"
        ) from error


def _frames_of_ase(path: Path) -> Iterator[Atoms]:
    if is_database(path):
        yield from read_database(path)
        return
    from ase.io import iread  # whoever evaluates a model file reads no frames

    if is_xyz(path):
        check_layout(path)
    file_format = "extxyz" if is_xyz(path) else None
    yield from iread(str(path), index=":", format=file_format, do_not_split_by_at_sign=True)


def _is_symbol(name: object) -> bool:
    """Whether a name that ASE did not find is that of an element."""
    return isinstance(name, str) and name.isalpha() and len(name) <= 3 and name == name.capitalize()


def _absence(path: Path) -> str:
    if path.is_dir():
        inside = sorted(path.glob("*/type.raw"))
        if inside:
            return f"is a folder of DeePMD folders: name each of them, as '{inside[0].parent}' or '{path}/*'"
        return f"is a folder, and has no type.raw of DeePMD-kit: name its files, for example '{path}/*.xyz'"
    return "does not exist: check the path (relative paths start at the current folder)"
