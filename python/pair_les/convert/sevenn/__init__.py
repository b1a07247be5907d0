# SPDX-License-Identifier: MIT
"""SevenNet: the modules of sevenn, called layer by layer."""

from .adapter import read

__all__ = ["read"]
