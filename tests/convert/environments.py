# SPDX-License-Identifier: MIT
"""Where other packages are installed: an environment of its own for each, because their requirements exclude each other.

``make test-convert`` makes them beside the repository's own environment. ``PAIR_LES_MACE`` and the like name the Python of another.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python_with(package: str) -> Path:
    """Interpreter that has `package`; the test is skipped where there is none."""
    variable = f"PAIR_LES_{package.upper()}"
    python = Path(os.environ.get(variable, ROOT / f".venv-{package}" / "bin" / "python"))
    if not python.exists():
        pytest.skip(f"no environment with {package} ({python}): run 'make test-convert', or set {variable}")
    return python


def run_with(
    package: str, *arguments: str | Path, timeout: float = 1200.0
) -> subprocess.CompletedProcess[str]:
    """Run the Python that has `package`, with this checkout's ``pair_les`` and one thread."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "python"), OMP_NUM_THREADS="1")
    return subprocess.run(
        [str(python_with(package)), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=timeout,
    )
