# SPDX-License-Identifier: MIT
"""Frames in memory as the text of an extxyz file that reads back with the same labels."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.io import write

from ...errors import DataError
from .names import frame_name
from .sources import FrameList

_OF_ATOMS = ("forces", "charges", "energies", "stresses", "magmoms", "born_effective_charges")
"""Results of calculators of ASE with one entry per atom."""


def frames_text(frames: Sequence[Atoms], name: str = "frames") -> str:
    """The frames as extxyz, numbers of atoms with eight decimals.

    Parameters
    ----------
    frames
        Labels are in the info, the arrays or the results of the calculator of each frame; the first that has a name is written.
        Arrays of more than two dimensions are written with one row per atom.
    name
        How errors name the list.

    Raises
    ------
    DataError
        If the list is empty, an entry is no `ase.Atoms`, or ASE cannot write it; see also `FrameList`.
    """
    text = io.StringIO()
    for index, atoms in FrameList(name, atoms=frames).read():
        written = _with_labels(atoms)
        try:
            write(text, written, format="extxyz")
        except Exception as error:  # of anything that users keep in the info and arrays of their atoms
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise DataError(
                f"{frame_name(name, index)}: ASE cannot write it as extxyz ({type(error).__name__}: {reason}): remove what is no "
                "number and no text from its info and arrays"
            ) from error
    return text.getvalue()


def _with_labels(atoms: Atoms) -> Atoms:
    """A copy that has the results of the calculator in its info and arrays, which come first where both have a name."""
    written = atoms.copy()
    written.set_constraint()
    results = {} if atoms.calc is None else atoms.calc.results
    for key, value in results.items():
        if key in {*all_properties} - {*written.info, *written.arrays} and value is not None:
            owner = written.arrays if key in _OF_ATOMS else written.info
            owner[key] = np.array(value, dtype=np.float64)
    for key, values in written.arrays.items():
        if values.ndim > 2:
            written.arrays[key] = values.reshape(len(written), -1)
    return written
