# SPDX-License-Identifier: MIT
"""Training in processes of its own, and what it leaves behind."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tiny_frames import tiny_config

DATA_PARALLEL_RELATIVE = 1e-3
"""Two processes add the same float32 gradients in another order; a few Adam steps enlarge the rounding."""


def start(folder: Path, **training: Any) -> subprocess.Popen[str]:
    """Train in a process of its own, through the command line."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(tiny_config(folder, **training)))
    return subprocess.Popen(
        [sys.executable, "-m", "pair_les.cli.app", "train", str(file)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def history(run_folder: Path) -> list[dict[str, str]]:
    """Rows without the one column that differs from run to run."""
    with open(run_folder / "history.csv", encoding="utf-8") as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]
