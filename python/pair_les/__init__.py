# SPDX-License-Identifier: MIT
"""Short-range networks with latent charges, from DFT data to LAMMPS with its own kspace.

Importing the package is cheap (no torch, no LAMMPS): the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pair_les.version import __version__

_LAZY = {
    "ContractError": "contract",
    "LESCalculator": "calculator",
    "LongRange": "contract",
    "Metadata": "contract",
    "load_model": "contract",
    "long_range_energy": "long_range",
    "neighbor_list": "neighbors",
    "save_model": "contract",
    "save_package": "contract",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
