# SPDX-License-Identifier: MIT
"""A script ``peer_*.py`` in the environment of the package that it times."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def time_of_peer(script: str, arguments: list[str], python: str, folder: Path) -> float:
    """us/atom/step that a script of this folder prints last, run in `folder` by an interpreter that has the package."""
    run = subprocess.run(
        [python, str(HERE / script), *arguments],
        cwd=folder,
        # the second: constants inside the e3nn that MACE asks for are older than torch's rule for files
        env={**os.environ, "OMP_NUM_THREADS": "1", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise RuntimeError(f"{script} failed: {run.stderr[-2000:]}")
    return float(run.stdout.split()[-1])
