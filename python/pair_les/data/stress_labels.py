# SPDX-License-Identifier: MIT
"""The stress of a frame, from a stress label or from a virial."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from .geometry import Cell
from .labels import find_label, stress_matrix

LARGEST_CONTRADICTION = 0.01
"""Largest difference between a stress and the virial beside it, relative to the larger of the two: more than the digits of
a file leave, less than any wrong unit or sign makes."""

_ROUNDING = 1e-5
"""eV/angstrom^3 (1.6 MPa), below which two stresses are equal whatever their size."""


def read_stress(
    atoms: Atoms, stress: str | None, virial: str | None, cell: Cell, where: str
) -> NDArray[np.float64] | None:
    """Stress [3, 3], eV/angstrom^3, positive under tension; None without a label.

    A virial W (eV) is ``-V`` times the stress, with V the volume of the cell: ``sigma = -W / V``.

    Parameters
    ----------
    atoms
        One frame.
    stress, virial
        Names of the labels; None: not read. The virial is used where there is no stress.
    cell
        From `read_cell`.
    where
        How errors name the frame.

    Raises
    ------
    DataError
        A label of the wrong shape or not finite, of a frame without a volume, or two that contradict each other.
    """
    found = {}
    for kind, key in (("stress", stress), ("virial", virial)):
        stored = find_label(atoms, key)
        if stored is not None:
            found[kind] = _matrix(stored, kind, str(key), where)
            if not cell.periodic or cell.slab:
                what = "a slab" if cell.slab else "an isolated frame"
                raise DataError(
                    f"{where}: {kind} label '{key}' of {what}, which has no volume: remove the label, or write "
                    f'Lattice="..." pbc="T T T" if the frame is periodic in three directions, or data.keys.{kind}: null to '
                    "leave it unread"
                )
    volume = abs(float(np.linalg.det(cell.vectors)))
    from_virial = -found["virial"] / volume if "virial" in found else None
    if "stress" not in found:
        return from_virial
    if from_virial is not None:
        _require_equal(found["stress"], from_virial, str(stress), str(virial), where)
    return found["stress"]


def _matrix(stored: Any, kind: str, key: str, where: str) -> NDArray[np.float64]:
    matrix = stress_matrix(stored)
    unit = {"stress": "eV/A^3", "virial": "eV"}[kind]
    if matrix is None:
        raise DataError(
            f"{where}: {kind} label '{key}' has shape {list(np.shape(stored))}, "
            f"must be 3 x 3, 9 numbers, or 6 in the order xx yy zz yz xz xy ({unit})"
        )
    if not np.isfinite(matrix).all():
        raise DataError(
            f"{where}: {kind} label '{key}' is {matrix[~np.isfinite(matrix)][0]}, must be finite: remove or relabel the frame"
        )
    return matrix


def _require_equal(
    stress: NDArray[np.float64], from_virial: NDArray[np.float64], key: str, virial_key: str, where: str
) -> None:
    largest = max(np.abs(stress).max(), np.abs(from_virial).max())
    if np.abs(stress - from_virial).max() > max(LARGEST_CONTRADICTION * largest, _ROUNDING):
        raise DataError(
            f"{where}: stress label '{key}' (trace {np.trace(stress):.4g} eV/A^3) contradicts virial label '{virial_key}' "
            f"(-1/V times its trace is {np.trace(from_virial):.4g}): correct one, or leave one unread with "
            "data.keys.stress: null or data.keys.virial: null"
        )
