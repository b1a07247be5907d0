# SPDX-License-Identifier: MIT
"""NequIP and Allegro: networks of the formulas of nequip and nequip-allegro with the weights of a checkpoint or package."""

from .adapter import read

__all__ = ["read"]
