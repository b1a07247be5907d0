# SPDX-License-Identifier: MIT
"""Fragments of a frame, such as the molecules of a dimer, and the charge that is known of each."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from .labels import find_label


def read_fragments(
    atoms: Atoms, fragment: str | None, fragment_charge: str, where: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers of fragments [n], -1 for atoms of none, and the charge (e) of the fragment of each atom [n].

    Parameters
    ----------
    atoms
        One frame.
    fragment
        Name of the array of whole numbers; None, or a frame without it: no atom belongs to a fragment.
    fragment_charge
        Name of the array of charges, the same on all atoms of a fragment; a frame without it: 0.
    where
        How errors name the frame.

    Raises
    ------
    DataError
        Wrong shapes, numbers that are not whole, charges that are not finite or differ within a fragment.
    """
    n_atoms = len(atoms)
    stored = None if fragment is None else find_label(atoms, fragment)
    if stored is None:
        return np.full(n_atoms, -1, dtype=np.int64), np.zeros(n_atoms)
    numbers = _per_atom(stored, n_atoms, f"fragment label '{fragment}'", "whole numbers", where)
    if (numbers != np.rint(numbers)).any():
        raise DataError(
            f"{where}: fragment label '{fragment}' has {numbers[numbers != np.rint(numbers)][0]:g}, must be whole "
            "numbers: the same one for all atoms of a fragment, below 0 for atoms of none"
        )
    stored = find_label(atoms, fragment_charge)
    charges = np.zeros(n_atoms)
    if stored is not None:
        charges = _per_atom(stored, n_atoms, f"fragment charge '{fragment_charge}'", "numbers (e)", where)
    for number in np.unique(numbers[numbers >= 0]):
        found = np.unique(charges[numbers == number])
        if len(found) > 1:
            raise DataError(
                f"{where}: fragment {number:g} has the charges {found[0]:g} and {found[1]:g} e in '{fragment_charge}', "
                "must be one: give the charge of the whole fragment on each of its atoms"
            )
    return np.maximum(numbers, -1).astype(np.int64), charges


def require_total_charge(
    fragments: tuple[NDArray[np.int64], NDArray[np.float64]],
    total_charge: float,
    fragment_charge: str,
    key: str,
    where: str,
) -> None:
    """Check that fragments that have all atoms of a frame have the charge of the frame, to 0.01 e.

    Parameters
    ----------
    fragments
        From `read_fragments`.
    total_charge
        e, of the frame.
    fragment_charge, key
        Names of the charges of fragments and of the total charge, for the message.
    where
        How errors name the frame.

    Raises
    ------
    DataError
        If they have another.
    """
    numbers, charges = fragments
    if (numbers < 0).any():
        return
    _, first = np.unique(numbers, return_index=True)
    found = float(charges[first].sum())
    if abs(found - total_charge) > 0.01:
        raise DataError(
            f"{where}: the charges of the fragments ('{fragment_charge}') add up to {found:g} e, the total charge ('{key}', 0 "
            f"where it is missing) is {total_charge:g} e: give {key}={found:g}, or correct the fragments"
        )


def _per_atom(stored: object, n_atoms: int, what: str, kind: str, where: str) -> NDArray[np.float64]:
    try:
        values = np.array(stored, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (n_atoms,) or not np.isfinite(values).all():
        raise DataError(
            f"{where}: {what} has shape {list(np.shape(np.asarray(stored)))}, must be [{n_atoms}] finite {kind}"
        )
    return values
