# SPDX-License-Identifier: MIT
"""Electrodes of a LAMMPS run, as ``pair-les check`` is told about them: atoms by type or id as in *group*, and a potential or charge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ElectrodeError
from ..long_range.electrodes import Electrode

_EXAMPLE = "--electrode 'type 3 potential 1.0 hardness 2.0' or --electrode 'id 1:81 charge 0.5'"


@dataclass(frozen=True)
class DumpedElectrode:
    """One keyword *electrode*: ``style`` is type or id, ``numbers`` the types or ids, the rest as of `Electrode`."""

    style: str
    numbers: frozenset[int]
    potential: float | None
    charge: float | None
    hardness: float

    def in_frame(self, n_atoms: int, types: NDArray[np.int64] | None, scale: float) -> Electrode:
        """The electrode of a frame whose atoms have the ids 1, 2, ... in this order.

        Parameters
        ----------
        n_atoms
            Of the frame.
        types
            LAMMPS types [n_atoms], or None if the dump has names instead.
        scale
            sqrt(eps), by which potentials of the model's charges are larger than physical ones, and charges are smaller.

        Raises
        ------
        DataError
            If the dump has no types.
        """
        numbers = np.arange(1, n_atoms + 1) if self.style == "id" else types
        if numbers is None:
            raise DataError(
                "the dump names elements or masses, so that electrodes by type are not known: name their ids, "
                "--electrode 'id 1:81 potential 1.0'"
            )
        atoms = np.flatnonzero(np.isin(numbers, list(self.numbers)))
        return Electrode(
            atoms.tolist(),
            potential=None if self.potential is None else self.potential * scale,
            charge=None if self.charge is None else self.charge / scale,
            hardness=self.hardness,
        )


def parse_electrode(text: str) -> DumpedElectrode:
    """Read ``type|id NUMBERS potential V|charge Q [hardness H]``; numbers are single ones or ranges ``1:9``.

    Raises
    ------
    ElectrodeError
        If the words are something else.
    """
    words = text.split()
    given: dict[str, float] = {}
    while len(words) > 2 and words[-2] in ("potential", "charge", "hardness") and words[-2] not in given:
        try:
            given[words[-2]] = float(words[-1])
        except ValueError:
            break
        words = words[:-2]
    if len(words) < 2 or words[0] not in ("type", "id") or ("potential" in given) == ("charge" in given):
        raise ElectrodeError(
            f"electrode '{text}': must have atoms and either a potential (V) or a charge (e): {_EXAMPLE}"
        )
    numbers: set[int] = set()
    for word in words[1:]:
        match = re.fullmatch(r"(\d+)(?::(\d+))?", word)
        if not match:
            raise ElectrodeError(
                f"electrode '{text}': '{word}' is no number or range of a {words[0]}: {_EXAMPLE}"
            )
        numbers.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return DumpedElectrode(
        words[0],
        frozenset(numbers),
        given.get("potential"),
        given.get("charge"),
        given.get("hardness", 0.0),
    )


def electrodes_in_frame(
    electrodes: Sequence[DumpedElectrode], n_atoms: int, types: NDArray[np.int64] | None, scale: float
) -> dict[str, Electrode]:
    """All electrodes of a frame by number, counted from 1; arguments as of `DumpedElectrode.in_frame`."""
    return {
        str(number): electrode.in_frame(n_atoms, types, scale)
        for number, electrode in enumerate(electrodes, start=1)
    }
