# SPDX-License-Identifier: MIT
"""One run of LAMMPS for the benchmarks beside this file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BIN = Path(sys.executable).parent


def lammps(folder: Path, text: str, ranks: int = 1, environment: Mapping[str, str] | None = None) -> str:
    """Run an input in `folder`, return its log.

    Raises
    ------
    RuntimeError
        If LAMMPS fails; with the end of its output.
    """
    (folder / "in.lmp").write_text(text)
    command = [str(BIN / "lmp"), "-in", "in.lmp", "-screen", "none"]
    if ranks > 1:
        command = [str(BIN / "mpirun"), "-n", str(ranks), *command]
    process = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        capture_output=True,
        text=True,
    )
    log = (folder / "log.lammps").read_text()
    if process.returncode != 0:
        raise RuntimeError(f"LAMMPS failed:\n{process.stdout}{process.stderr}{log[-2000:]}")
    return log
