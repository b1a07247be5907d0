# SPDX-License-Identifier: MIT
"""The short-range network: a body-ordered local density and small per-atom networks for energy and charge."""

from pair_les.net.model import LESNet
from pair_les.net.settings import NetSettings

__all__ = ["LESNet", "NetSettings"]
