# SPDX-License-Identifier: MIT
"""Labels beside those that are read which say that another one is meant, or that the model lacks an input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .findings import Finding
from .frames import Frame
from .labels import find_label

_FREE_ENERGY = "free_energy"
"""Name under which ASE keeps the energy whose derivatives are the forces of a calculation with smeared occupations."""

_REMARKABLE = 1e-3
"""eV/atom."""


def free_energy_findings(frames: Sequence[Frame], energy_key: str) -> list[Finding]:
    """A line where frames have a free energy beside an energy that differs from it, as VASP writes them for metals."""
    if energy_key == _FREE_ENERGY:
        return []
    different = []
    for frame in frames:
        free = None if frame.atoms is None else find_label(frame.atoms, _FREE_ENERGY)
        if free is not None and np.size(free) == 1:
            difference = abs(float(np.ravel(free)[0]) - frame.energy) / len(frame)
            if difference > _REMARKABLE:
                different.append((difference, frame))
    if not different:
        return []
    largest, frame = max(different, key=lambda found: found[0])
    return [
        Finding(
            f"{frame.where}: '{_FREE_ENERGY}' differs from '{energy_key}' by {1000.0 * largest:.3g} meV/atom, and forces and stress are "
            f"derivatives of the free energy: set data.keys.energy: {_FREE_ENERGY} unless '{energy_key}' is meant",
            False,
        )
    ]


def unused_charge_findings(frames: Sequence[Frame], key: str) -> list[Finding]:
    """A line where frames of different total charges are given to a model that does not know the charge."""
    charges: dict[float, Frame] = {}
    for frame in frames:
        stored = None if frame.atoms is None else find_label(frame.atoms, key)
        if stored is None or np.size(stored) == 1:
            charges.setdefault(0.0 if stored is None else float(np.ravel(stored)[0]), frame)
    if not any(charges):
        return []
    listed = ", ".join(f"{charge:+g}" if charge else "0" for charge in sorted(charges))
    charged = next(frame for charge, frame in charges.items() if charge)
    return [
        Finding(
            f"{charged.where}: '{key}' of the frames is {listed} e, and the model does not know it: set "
            "model.long_range.neutralize: true (charges add up to it) or model.charge_state: true (it is an input)",
            False,
        )
    ]
