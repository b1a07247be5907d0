# SPDX-License-Identifier: MIT
"""A disk that is full: one line that names the file, and whatever was there before is still there."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from pair_les.analysis.report import write_report
from pair_les.analysis.table import Table
from pair_les.errors import OutputError, UserError
from pair_les.evaluation.figures import learning_curve
from pair_les.export import export
from pair_les.model_file import Metadata, save_model
from pair_les.output_files import json_text, write_file
from pair_les.training.checkpoints import AtomicCheckpointIO
from pair_les.training.history import write_history
from tiny_frames import tiny_config

LIMIT = 64
"""Bytes that a file may have: the kernel refuses more, as a full disk does."""


@contextmanager
def full_disk(limit: int = LIMIT) -> Iterator[None]:
    """No file of this process can become longer than `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save_script(file: Path) -> None:
    module = torch.jit.script(torch.nn.Linear(9, 9))
    save_model(file, module, Metadata(["H"], 4.0))


def save_report(file: Path) -> None:
    table = Table("numbers", "Numbers", {"x": np.arange(99.0), "y": np.arange(99.0)}, (("y", None),))
    write_report(file.parent, "title", {}, [table], "command")


ROW = {"epoch": 1, "train_energy_rmse": 1.0, "valid_energy_rmse": 1.0, "train_forces_rmse": 1.0,
       "valid_forces_rmse": 1.0, "train_stress_rmse": None, "valid_stress_rmse": None, "learning_rate": 1e-3}  # fmt: skip

WRITERS = {
    "numbers.csv": save_report,
    "model.pt": save_script,
    "last.ckpt": lambda file: AtomicCheckpointIO().save_checkpoint({"weights": torch.zeros(999)}, file),
    "history.csv": lambda file: write_history(file, [ROW] * 9),
    "summary.json": lambda file: write_file(file, "x" * 999),
    "learning_curve.png": lambda file: learning_curve([ROW, ROW], file),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_names_the_file_and_keeps_the_old_one(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("old")
    with (
        full_disk(),
        pytest.raises(OutputError, match=f"^{file}: cannot be written: .*: free space") as caught,
    ):
        WRITERS[name](file)
    assert isinstance(caught.value, OSError | UserError) and "\n" not in str(caught.value)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
    WRITERS[name](file)
    assert file.stat().st_size > LIMIT


def test_export(tiny_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_text("old")
    with full_disk(1000), pytest.raises(OutputError, match=f"^{file}: cannot be written: "):
        export(tiny_run, file)
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
def test_training_from_the_command_line(tiny_folder: Path, tmp_path: Path) -> None:
    """One line on stderr, and the run resumes where it was."""
    import yaml

    config = tiny_config(tiny_folder, epochs=1)
    config["output"] = str(tmp_path / "run")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config))
    program = (
        "import resource, sys\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))\n"
        "from pair_les.cli.app import main\n"
        "sys.argv = ['pair-les', 'train', 'tiny.yaml']\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 2, run.stderr
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith(f"pair-les: error: {tmp_path}/run/checkpoints/"), last
    assert "cannot be written: File too large: free space or give another path" in last
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


def test_json_has_no_nan() -> None:
    """Strict readers refuse the words NaN and Infinity."""
    value = {"rmse": float("nan"), "limits": [float("inf"), 1.5, 2], "usable": False, "note": "nan"}
    text = json_text(value)
    assert json.loads(text) == {"rmse": None, "limits": [None, 1.5, 2], "usable": False, "note": "nan"}
    assert json_text({"a": 1}, indent=2) == json.dumps({"a": 1}, indent=2)
