# SPDX-License-Identifier: MIT
"""`examples/lammps/electrode`: its cells, its inputs for a few steps on two ranks, its analysis and its figures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import harness
import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "lammps" / "electrode"
SHORT = ["-var", "relax", "5", "-var", "steps", "60"]


def call(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_nacl(tmp_path, model, monkeypatch):
    """A crystal in place of the melt, and a model whose ions are hard; everything else is that of run.py."""
    positions = 2.8 * np.stack(np.meshgrid(*3 * [np.arange(4.0)], indexing="ij"), axis=-1).reshape(-1, 3)
    symbols = np.where(np.rint(positions / 2.8).sum(axis=1) % 2, "Na", "Cl")
    write(tmp_path / "melt.xyz", Atoms(symbols, positions + 1.0, cell=3 * [11.2], pbc=True))
    call(tmp_path, str(EXAMPLE / "cell.py"), "nacl.data", "melt.xyz")
    cell = read(tmp_path / "nacl.data", format="lammps-data")
    assert len(cell) == 128 + 2 * 49 and cell.cell.lengths()[2] == pytest.approx(22.4 + 2 * 2.3 + 2 * 2.0)
    shutil.copy(model(neutralize=True, species=["Na", "Cl"]), tmp_path / "model.pt")
    script = (EXAMPLE / "in.nacl").read_text()
    run = harness.run_lammps(script, tmp_path, ranks=2, timeout=240, arguments=SHORT)
    assert run.output.count("electrodes do not move: the matrix of their 98 charges") >= 4
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXAMPLE)])
    import plots
    import run as example

    files = [word for volt in example.VOLTAGES for word in ("--electrodes", f"charge.{volt}.txt")]
    for volt, folder in plots.PROFILES.items():
        arguments = [
            "analyze",
            f"ions.{volt}.dump",
            "--quantities",
            "profile",
            *example.ELEMENTS,
            "-o",
            folder,
        ]
        arguments += ["--temperature", "1300", *(files if volt == 0.0 else [])]
        subprocess.run([harness.BIN / "pair-les", *arguments], cwd=tmp_path, check=True, capture_output=True)
    plots.main(tmp_path)
    assert {"charging.png", "layers.png", "potential.png"} <= {file.name for file in tmp_path.iterdir()}
    assert (tmp_path / "capacitance" / "charge_voltage.png").is_file()


def test_water(tmp_path):
    call(tmp_path, str(EXAMPLE / "cell.py"), "water.data")
    cell = read(tmp_path / "water.data", format="lammps-data")
    oxygen, hydrogen = (cell.positions[cell.numbers == number] for number in (8, 1))
    assert (len(oxygen), len(hydrogen), len(cell)) == (128, 256, 512)
