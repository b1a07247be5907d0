# SPDX-License-Identifier: MIT
"""Commands of an example, shown as they would be typed, and its progress."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def say(text: str, start: float) -> None:
    """One line of progress with the time since the beginning."""
    print(f"[{time.monotonic() - start:5.0f} s]  {text}", flush=True)


def run(command: Sequence[str | Path], folder: Path, output: Path | None = None) -> None:
    """Run a command in a folder; with `output`, its text goes to that file, which is named if it fails."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    if output is None:
        code = subprocess.run(words, cwd=folder, check=False).returncode
    else:
        with open(output, "w", encoding="utf-8") as stream:
            code = subprocess.run(
                words, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, check=False
            ).returncode
    if code != 0:
        sys.exit(f"failed with exit code {code}: {' '.join(words)}" + (f": see {output}" if output else ""))
