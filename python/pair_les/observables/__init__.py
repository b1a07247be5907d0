# SPDX-License-Identifier: MIT
"""Observables of latent charges: dipoles, quadrupoles, polarization, Born effective charges."""

from ..long_range.projection import project_charges
from .born import born_charges
from .moments import dipole, physical_charges, polarization, quadrupole, traceless
from .observe import Observation, observe

__all__ = [
    "Observation",
    "born_charges",
    "dipole",
    "observe",
    "physical_charges",
    "polarization",
    "project_charges",
    "quadrupole",
    "traceless",
]
