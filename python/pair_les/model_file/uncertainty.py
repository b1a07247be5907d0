# SPDX-License-Identifier: MIT
"""The key ``uncertainty`` of the metadata: how uncertainties of forces follow from those of the energies of atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .rules import broken, is_integer, is_number, required


@dataclass(frozen=True)
class Uncertainty:
    """Calibration of the uncertainties of a model.

    Parameters
    ----------
    scale
        eV; alpha, by which the uncertainties of energies are those of the covariance.
    inverse_length
        1/angstrom, of each species: uncertainty of the force on an atom over that of the energies around it.
    training_force
        eV/angstrom: 99.9 % of the atoms of the training frames have a smaller uncertainty of their force.
    training_frames, calibration_frames
        Numbers of frames that the uncertainties were made from.
    """

    scale: float
    inverse_length: Mapping[str, float] = field(hash=False)
    training_force: float
    training_frames: int
    calibration_frames: int


def parse_uncertainty(data: Any, species: Sequence[str], file: str) -> Uncertainty:
    """Return the checked value of the key; `ContractError` where it breaks a rule."""
    if isinstance(data, Uncertainty):
        data = vars(data)
    if not isinstance(data, Mapping):
        raise broken(file, "uncertainty", data, "must be an object")
    values = {name: required(dict(data), name, file, "uncertainty.") for name in Uncertainty.__annotations__}
    lengths = values["inverse_length"]
    if not isinstance(lengths, Mapping) or set(lengths) != set(species):
        rule = f"must have one number for each of the species {' '.join(species)}"
        raise broken(file, "uncertainty.inverse_length", lengths, rule)
    for symbol, value in lengths.items():
        if not is_number(value) or value <= 0:
            raise broken(file, f"uncertainty.inverse_length.{symbol}", value, "must be a finite number > 0")
    if not is_number(values["scale"]) or values["scale"] <= 0:
        raise broken(file, "uncertainty.scale", values["scale"], "must be a finite number > 0 (eV)")
    if not is_number(values["training_force"]) or values["training_force"] < 0:
        rule = "must be a finite number >= 0 (eV/angstrom)"
        raise broken(file, "uncertainty.training_force", values["training_force"], rule)
    for name in ("training_frames", "calibration_frames"):
        if not is_integer(values[name]) or values[name] < 1:
            raise broken(file, f"uncertainty.{name}", values[name], "must be an integer >= 1")
    return Uncertainty(**values)
