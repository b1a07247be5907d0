# SPDX-License-Identifier: MIT
"""Sections of the configuration about the loss: weights of errors, of terms about charges, and of the last part of a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ..constants import FORMER_SPELLINGS
from .config_section import NonNegative, Section


class LossSection(Section):
    """Weights of the mean squared errors."""

    energy: NonNegative = 1.0
    """Weight of energies per atom, (eV/atom)^-2."""

    forces: NonNegative = 1.0
    """Weight of forces, (eV/A)^-2."""

    stress: NonNegative = 100.0
    """Weight of stresses, (eV/A^3)^-2."""


class ChargeLossSection(Section):
    """Weights of further terms of the loss, about charges; 0: the term is not evaluated."""

    neutrality: NonNegative = 0.0
    """Weight of the squared difference between the sum of the charges of a frame and its total charge, 1/e^2."""

    fragments: NonNegative = 0.0
    """Weight of the same difference for parts of a frame whose charges are known, 1/e^2."""

    conservation: NonNegative = 0.0
    """Weight of the mean squared derivative of the sum of the charges with respect to a coordinate, (e/A)^-2."""

    dipole: NonNegative = 0.0
    """Weight of the mean squared error of the dipoles of isolated frames, 1/(e A)^2."""

    bec: NonNegative = 0.0
    """Weight of the mean squared error of Born effective charges, 1/e^2; a step then takes three to six more derivatives."""

    eps: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    """Electronic permittivity: labels are compared with sqrt(eps) times latent dipoles and Born effective charges."""

    born_order: Annotated[
        Literal["displacement", "polarization"],
        BeforeValidator(lambda name: FORMER_SPELLINGS.get(name, name)),
    ] = "displacement"
    """Slow index of the nine numbers of a labeled Born effective charge."""

    def asked(self) -> bool:
        """Return whether any weight is above 0."""
        return max(self.neutrality, self.fragments, self.conservation, self.dipole, self.bec) > 0.0


class FinalStageSection(Section):
    """Other weights of the loss for the last part of a run."""

    start: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """Fraction of the epochs after which these weights hold."""

    ramp: bool = False
    """Whether the weights change by a constant factor per epoch, from `start` to the end, instead of at once."""

    loss: LossSection = LossSection(energy=100.0)
