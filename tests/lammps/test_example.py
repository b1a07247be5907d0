# SPDX-License-Identifier: MIT
"""``pair-les example water``: the commands of the first steps run as they are pasted, with a shorter training."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import harness
import numpy as np
import pytest
from ase.io import read
from pair_les import LESCalculator
from pair_les.cli.app import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
LABEL_ROUNDING = 2e-4
"""eV/A and eV/atom: labels have four and five digits, and the model is float32."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["example", "water"])
    assert done.exit_code == 0 and "next: cd water && pair-les train" in done.stdout
    return tmp_path / "water"


def test_the_folder_is_small_and_is_not_overwritten(folder: Path) -> None:
    files = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert set(files) == {
        "README.md",
        "config.yaml",
        "in.water",
        "model.pt",
        "test.xyz",
        "train.xyz",
        "water.data",
    }
    assert sum(files.values()) < 1_000_000
    done = CliRunner().invoke(app, ["example", "water"])
    assert done.exit_code != 0 and "exists and is not empty: give a new folder" in str(done.exception)


def test_labels_are_those_of_the_model_that_comes_with_them(folder: Path) -> None:
    assert (folder / "model.pt").read_bytes() == (ROOT / "examples/lammps/water/model.pt").read_bytes()
    calculator = LESCalculator(folder / "model.pt")
    for name in ("train.xyz", "test.xyz"):
        atoms = read(folder / name, -1)
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = calculator
        assert abs(atoms.get_potential_energy() - energy) / len(atoms) < LABEL_ROUNDING
        np.testing.assert_allclose(atoms.get_forces(), forces, atol=LABEL_ROUNDING)


@pytest.mark.slow
def test_the_first_steps_run_as_pasted(folder: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"^```\n(pair-les example .*?)^```", text, re.DOTALL | re.MULTILINE)
    first, *commands = [line.partition("  #")[0].strip() for line in block.splitlines()]
    assert first == "pair-les example water && cd water" and len(commands) == 5
    for command in commands:
        if command.startswith("mpirun"):
            script = (folder / "in.water").read_text().replace("model index model.pt", "model index my.pt")
            assert (
                harness.run_lammps(script, folder, ranks=2, arguments=["-var", "steps", "100"]).column(
                    "Step"
                )[-1]
                == 100
            )
            continue
        if command.startswith("pair-les train"):
            command += " --set training.epochs=2 --set training.threads=1"
        if command.startswith("pair-les export"):
            command += " --force"  # two epochs do not make a usable model
        done = subprocess.run(
            [sys.executable, "-m", "pair_les.cli.app", *command.split()[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert (folder / "parity.png").is_file()
