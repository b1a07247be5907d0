# SPDX-License-Identifier: MIT
"""Isolated atoms among the frames, whose energies are the reference energies of their elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from ..errors import DataError
from .geometry import smallest_height
from .labels import find_label

CONFIG_TYPE = "config_type"
"""Key of the comment line that marks an isolated atom, with the value ``IsolatedAtom`` in any case."""

ISOLATED_DISTANCE = 10.0
"""angstrom between an atom and its images, from which a periodic one-atom frame is an isolated atom in a box and no crystal."""

_SAME_ENERGY = 1e-3
"""eV, within which two isolated atoms of one element are the same."""


@dataclass(frozen=True)
class IsolatedAtom:
    """An isolated atom: its element, its energy (eV), and how messages name its frame."""

    symbol: str
    energy: float
    where: str


def is_isolated_atom(atoms: Atoms, forces: str, total_charge: str, where: str) -> bool:
    """Whether a frame is an isolated atom whose energy is a reference energy.

    It is one where ``config_type=IsolatedAtom``, in any case, or where one neutral atom without a force label is isolated
    or at least `ISOLATED_DISTANCE` from its periodic images.

    Raises
    ------
    DataError
        A frame that is marked as an isolated atom but has several atoms or a charge.
    """
    charge = find_label(atoms, total_charge)
    neutral = charge is None or not np.any(charge)
    if str(atoms.info.get(CONFIG_TYPE, "")).lower() == "isolatedatom":
        if len(atoms) != 1 or not neutral:
            what = f"{len(atoms)} atoms" if len(atoms) != 1 else f"{total_charge} = {charge}"
            raise DataError(
                f"{where}: {CONFIG_TYPE} = {atoms.info[CONFIG_TYPE]} and {what}, must be one neutral atom: "
                f"remove {CONFIG_TYPE}, or the frame"
            )
        return True
    if len(atoms) != 1 or not neutral or find_label(atoms, forces) is not None:
        return False
    return not atoms.pbc.any() or smallest_height(atoms.cell.array) >= ISOLATED_DISTANCE


def isolated_energies(isolated: Sequence[IsolatedAtom]) -> dict[str, float]:
    """Energy (eV) of the isolated atom of each element.

    Raises
    ------
    DataError
        Two of one element differ.
    """
    first: dict[str, IsolatedAtom] = {}
    for atom in isolated:
        other = first.setdefault(atom.symbol, atom)
        if abs(other.energy - atom.energy) > _SAME_ENERGY:
            raise DataError(
                f"{atom.where}: the isolated {atom.symbol} atom has {atom.energy:.6g} eV, that of {other.where} has "
                f"{other.energy:.6g} eV: keep one of them"
            )
    return {symbol: atom.energy for symbol, atom in first.items()}
