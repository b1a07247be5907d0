# SPDX-License-Identifier: MIT
"""The GPU benchmark as it runs on a GPU, on Kokkos's OpenMP backend, with small boxes and few steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import harness

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu"


def run(program: str, *arguments: str, folder: Path) -> None:
    command = [sys.executable, str(BENCHMARK / program), *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_rehearsal(tmp_path):
    """Every part is complete, every comparison is within its bar, and a step copies no array of atoms."""
    run("prepare.py", "kit", "--molecules", "4", folder=tmp_path)
    lammps = ["--lammps", harness.kokkos_lammps()[0], "--mpirun", str(harness.BIN / "mpirun")]
    run("run.py", "kit", *lammps, "--rehearse", "--seconds", "900", "--out", "out.json", folder=tmp_path)
    parts = json.loads((tmp_path / "out.json").read_text())["parts"]
    assert {name: part["status"] for name, part in parts.items()} == dict.fromkeys(parts, "complete")
    assert len(parts) == 10

    comparisons = parts["parity"]["results"]
    assert len(comparisons) >= 14
    assert [name for name, result in comparisons.items() if not result["passed"]] == []
    assert any("python" in result for result in comparisons.values())
    events = parts["events of a step"]["results"]
    assert events["kernels of a step"]["of pair_les"] > 5
    assert events["copies of per-atom data in a step"]["number"] == 0
    assert any(
        name.startswith("region les: torch") for name in parts["times of a step"]["results"]["by Kokkos"]
    )
    assert parts["largest box"]["results"]["memory"]["largest_box"] == 1536
    assert parts["device of torch"]["results"]["energy against the CPU, eV"]["passed"]
    measured = parts["forms"]["results"]
    assert "atom_steps_per_second" in measured["plain torch"]
    assert "prepare it with --package" in measured["package"]["error"]
    assert "error" not in parts["two ranks"]["results"]["1 copies, 2 ranks"]
