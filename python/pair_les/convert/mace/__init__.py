# SPDX-License-Identifier: MIT
"""MACE and MACE-LES: the modules of mace-torch, called layer by layer."""

from .adapter import PACKAGES, read

__all__ = ["PACKAGES", "read"]
