# SPDX-License-Identifier: MIT
"""Estimators of the charges of a run: structure factors, dipole correlations, permittivity, infrared spectrum, profiles."""

from .analyze import QUANTITIES, Settings, analyze

__all__ = ["QUANTITIES", "Settings", "analyze"]
