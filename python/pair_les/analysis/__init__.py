# SPDX-License-Identifier: MIT
"""What a run says about charges: structure factors, dipole correlations, permittivity, infrared spectrum, profiles."""

from .analyze import QUANTITIES, Settings, analyze

__all__ = ["QUANTITIES", "Settings", "analyze"]
