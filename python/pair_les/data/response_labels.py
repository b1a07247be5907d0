# SPDX-License-Identifier: MIT
"""Labels of what charges imply (dipoles, quadrupoles, Born effective charges, charges), each optional in the data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ..errors import DataError
from .files.names import frame_name
from .files.sources import Source, find_files
from .labels import find_label

BORN_NAMES = ("bec", "BEC")
"""Names under which Born effective charges are looked for unless one is given."""


@dataclass(frozen=True)
class ResponseKeys:
    """Names of the labels; None: those named in the comments.

    Labels under a name that was given must exist in some frame and have the right shape; those under default names
    are taken where they are found with the right shape.
    """

    dipole: str | None = None  # "dipole", 3 numbers, e angstrom
    quadrupole: str | None = None  # "quadrupole", 9 numbers, e angstrom^2; its trace is not compared
    bec: str | None = None  # `BORN_NAMES`, 9 numbers per atom, e
    charges: str | None = None  # no default: there are as many charges as schemes to divide a density


@dataclass(frozen=True)
class ResponseLabels:
    """One frame and its labels, None where it has none; e and angstrom.

    ``dipole`` [3], ``quadrupole`` [3, 3], ``bec`` [n, 3, 3] with indices [atom, polarization, displacement],
    ``charges`` [n].
    """

    atoms: Atoms
    dipole: NDArray[np.float64] | None
    quadrupole: NDArray[np.float64] | None
    bec: NDArray[np.float64] | None
    charges: NDArray[np.float64] | None

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in LABELS)


LABELS = tuple(field.name for field in fields(ResponseKeys))

_DEFAULT_NAMES = {"dipole": ("dipole",), "quadrupole": ("quadrupole",), "bec": BORN_NAMES, "charges": ()}


def used_names(keys: ResponseKeys) -> list[str]:
    """Every name under which a label is looked for."""
    return [
        name
        for kind in LABELS
        for name in (_DEFAULT_NAMES[kind] if getattr(keys, kind) is None else (getattr(keys, kind),))
    ]


def read_response_labels(
    paths: Iterable[str | os.PathLike[str] | Source],
    keys: ResponseKeys | None = None,
    displacement_first: bool = True,
    required: bool = True,
) -> list[ResponseLabels]:
    """The labels of every frame of every file, in order.

    Parameters
    ----------
    paths
        Files in any format of ASE; patterns and slices as in ``data.train``; or frames in memory.
    keys
        Names of the labels.
    displacement_first
        Whether the nine numbers of a Born effective charge have the displacement as their slow index.
    required
        Whether some frame must have each label that was named.

    Raises
    ------
    DataError
        With file and frame: a label under a given name has the wrong shape, or no frame has it.
    """
    keys = keys or ResponseKeys()
    found = []
    files = [file for path in paths for file in find_files(Source.of(path))]
    for file in files:
        for index, atoms in file.read():
            found.append(response_labels(atoms, keys, displacement_first, frame_name(file.path, index)))
    for name in LABELS:
        key = getattr(keys, name)
        if required and key is not None and all(getattr(frame, name) is None for frame in found):
            raise DataError(
                f"{', '.join(file.path for file in files)}: no frame has a {name} label '{key}': name one that exists with "
                f"--keys {name}=NAME, or leave it out"
            )
    return found


def response_labels(atoms: Atoms, keys: ResponseKeys, displacement_first: bool, where: str) -> ResponseLabels:
    """Return the labels of one frame, which errors name by `where`; see `read_response_labels`."""
    n = len(atoms)
    shapes = {"dipole": (3,), "quadrupole": (3, 3), "bec": (n, 3, 3), "charges": (n,)}
    values = {}
    for name, shape in shapes.items():
        key = getattr(keys, name)
        names = _DEFAULT_NAMES[name] if key is None else (key,)
        values[name] = _label(atoms, name, names, shape, where, strict=key is not None)
    if values["bec"] is not None and displacement_first:
        values["bec"] = values["bec"].transpose(0, 2, 1)
    return ResponseLabels(atoms=atoms, **values)


def _label(
    atoms: Atoms, what: str, names: tuple[str, ...], shape: tuple[int, ...], where: str, strict: bool
) -> NDArray[np.float64] | None:
    for name in names:
        stored = find_label(atoms, name)
        if stored is None:
            continue
        try:
            value = np.array(stored, dtype=np.float64)
        except (TypeError, ValueError):
            value = np.zeros(0)
        if value.size == int(np.prod(shape)) and np.isfinite(value).all():
            return value.reshape(shape)
        if strict:
            raise DataError(
                f"{where}: {what} label '{name}' has shape {list(np.shape(stored))}, must be {list(shape)} finite "
                "numbers"
            )
    return None
