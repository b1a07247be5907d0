# SPDX-License-Identifier: MIT
"""Where ASE puts labels: a calculator for the names it knows, else per-frame info or per-atom arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress
from numpy.typing import NDArray

_GEOMETRY = ("numbers", "positions", "species", "pos", "pbc", "Lattice")


def find_label(atoms: Atoms, key: str) -> Any:
    """The label of that name, or None; info and arrays come before ASE's own calculator."""
    if key in atoms.info:
        return atoms.info[key]
    if key in atoms.arrays:
        return atoms.arrays[key]
    results = atoms.calc.results if atoms.calc is not None else {}
    return results.get(key)


def label_names(atoms: Atoms) -> list[str]:
    """Every name that `find_label` would find, sorted."""
    results = atoms.calc.results if atoms.calc is not None else {}
    return sorted((set(atoms.info) | set(atoms.arrays) | set(results)) - set(_GEOMETRY))


def stress_matrix(value: Any) -> NDArray[np.float64] | None:
    """[3, 3] from 3 x 3, 9 or 6 (Voigt, ASE's order xx yy zz yz xz xy) numbers; None for any other shape."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if array.size == 9:
        return array.reshape(3, 3)
    return voigt_6_to_full_3x3_stress(array.reshape(6)) if array.size == 6 else None
