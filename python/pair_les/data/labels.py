# SPDX-License-Identifier: MIT
"""Labels of frames as ASE stores them: in a calculator, in the info of a frame, or in arrays over its atoms."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress
from numpy.typing import NDArray

_GEOMETRY = ("numbers", "positions", "species", "pos", "pbc", "Lattice")

_BOOKKEEPING = frozenset(
    {
        "masses",
        "tags",
        "momenta",
        "velocities",
        "velo",
        "initial_magmoms",
        "move_mask",
        "id",
        "index",
        "type",
        "step",
        "time",
    }
)
"""Numbers that files carry beside labels; nobody expects them to be trained on."""

_SIMILAR = {
    "energy": re.compile(r"energy|^e$|^(dft|ref)_?e$|toten|e_?tot$"),
    "forces": re.compile(r"force|^f$|^(dft|ref)_?f$|^f_?(dft|ref)$"),
    "stress": re.compile(r"stress"),
    "virial": re.compile(r"^(?!.*stress).*virial"),
    "total_charge": re.compile(r"^(total|tot|net|system|molecular|cell|mol)?_?(charge|q)_?(total|tot|net)?$"),
}
"""Names in lower case that look like a label of each kind."""


def find_label(atoms: Atoms, key: str | None) -> Any:
    """The label of that name, or None; info and arrays come before ASE's own calculator."""
    if key is None:
        return None
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


def numeric_labels(atoms: Atoms) -> list[str]:
    """Return the names of labels that hold numbers and are not bookkeeping, sorted."""
    return [
        name
        for name in label_names(atoms)
        if name.lower() not in _BOOKKEEPING and _numbers(find_label(atoms, name)) is not None
    ]


def similar_labels(atoms: Atoms, kind: str) -> list[str]:
    """Names whose word and shape fit a label of this kind (energy, forces, stress, virial, total_charge), sorted."""
    found = []
    for name in label_names(atoms):
        numbers = _numbers(find_label(atoms, name))
        if numbers is not None and looks_like(kind, name) and _has_matching_shape(kind, numbers, len(atoms)):
            found.append(name)
    return found


def looks_like(kind: str, name: str) -> bool:
    """Return whether a name looks like a label of this kind."""
    return _SIMILAR[kind].search(name.lower()) is not None


def _has_matching_shape(kind: str, numbers: NDArray[np.float64], n_atoms: int) -> bool:
    if kind == "forces":
        return numbers.shape == (n_atoms, 3)
    if kind in ("stress", "virial"):
        return numbers.size in (6, 9)
    return numbers.size == 1


def _numbers(value: Any) -> NDArray[np.float64] | None:
    if isinstance(value, bool | np.bool_ | str):
        return None
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind in "iuf" and array.size else None


def stress_matrix(value: Any) -> NDArray[np.float64] | None:
    """[3, 3] from 3 x 3, 9 or 6 (Voigt, ASE's order xx yy zz yz xz xy) numbers; None for any other shape."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if array.size == 9:
        return array.reshape(3, 3)
    return voigt_6_to_full_3x3_stress(array.reshape(6)) if array.size == 6 else None
