# SPDX-License-Identifier: MIT
"""Shared libraries that stand in for those of an installation."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compile_library(source: str, path: Path) -> None:
    """Compile C source to a shared library."""
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)],
        input=source,
        text=True,
        check=True,
        timeout=60,
    )
