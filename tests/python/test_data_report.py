# SPDX-License-Identifier: MIT
"""``pair-les data``: its numbers are those of the frames, and it lists every problem once."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.geometry import get_distances
from pair_les.cli.app import app
from pair_les.data.report.problems import join_problems
from pair_les.data.report.summary import describe_data
from pair_les.data.report.text import report_lines
from pair_les.errors import DataError
from tiny_frames import tiny_frames, write_tiny
from typer.testing import CliRunner


def test_numbers_are_those_of_the_frames(tmp_path: Path) -> None:
    frames = tiny_frames(6)
    report = describe_data([write_tiny(tmp_path / "a.xyz", 6)])
    numbers = report.numbers
    assert numbers["refused"] == [] and numbers["warnings"] == []
    assert numbers["counts"] == {
        "frames": 6,
        "atoms": 42,
        "periodic": 4,
        "slabs": 0,
        "energy": 6,
        "forces": 6,
        "stress": 4,
    }
    assert numbers["elements"] == {"Na": 20, "Cl": 22} and numbers["compositions"] == {"ClNa": 4, "Cl3Na2": 2}
    per_atom = [atoms.get_potential_energy() / len(atoms) for atoms in frames]
    assert numbers["energy"]["range"] == pytest.approx([min(per_atom), max(per_atom)], abs=1e-6)
    assert numbers["energy"]["highest"]["frame"] == int(np.argmax(per_atom))
    sizes = [np.linalg.norm(atoms.get_forces(), axis=1) for atoms in frames]
    top = numbers["largest_forces"][0]
    assert top["force"] == pytest.approx(max(size.max() for size in sizes), abs=1e-6)
    assert sizes[top["frame"]][top["atom"]] == pytest.approx(top["force"], abs=1e-6)
    closest = numbers["shortest_distances"]["Na-Cl"]
    atoms = frames[closest["frame"]]
    _, distances = get_distances(atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    sodium = atoms.numbers == 11
    assert closest["distance"] == pytest.approx(distances[sodium][:, ~sodium].min(), abs=1e-6)
    assert report_lines(report)[-1] == "pair-les train would accept these data"


def write_bad(file: Path) -> Path:
    """Frames with five kinds of problems, one of them three times."""
    frames = tiny_frames(24)
    frames[3].calc.results["energy"] = np.nan
    for number in (5, 7, 8):
        frames[number].calc.results["forces"][0] = np.inf
    frames[9].positions[1] = frames[9].positions[0] + 0.01
    frames[10].calc.results["forces"][2] = [0.0, 1e4, 0.0]
    del frames[12].calc.results["forces"]
    ase.io.write(file, frames, format="extxyz")
    return file


def test_every_problem_is_listed_once(tmp_path: Path) -> None:
    refused = describe_data([write_bad(tmp_path / "bad.xyz"), tmp_path / "none.xyz"]).numbers["refused"]
    for part in (
        "frame 3 (counted from 0): energy label 'energy' is nan",
        "frame 5 (counted from 0): forces label 'forces' of atom 0 is inf, must be finite: remove or relabel the frame "
        "(also 2 more frames: 7, 8)",
        "frame 9 (counted from 0): atoms 0 and 1 coincide",
        "frame 10 (counted from 0): the force on atom 2 (Cl) is 1e+04 eV/A",
        "frame 12 (counted from 0): no forces label 'forces'",
        "none.xyz: data file does not exist",
    ):
        assert sum(part in line for line in refused) == 1, part
    assert len(refused) == 6 and not any("\n" in line for line in refused)


def test_kinds_of_problems_are_joined_by_file() -> None:
    errors = [
        DataError(f"{file}, frame {i} (counted from 0): energy is {i}.5 of it")
        for file in "ab"
        for i in range(8)
    ]
    assert join_problems(errors) == [
        f"{file}, frame 0 (counted from 0): energy is 0.5 of it (also 7 more frames: 1, 2, 3, 4, 5, ...)"
        for file in "ab"
    ]


def test_the_command_writes_figures_and_numbers(tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "a.xyz", 6)
    done = CliRunner().invoke(app, ["data", f"{file}@:4", "-o", str(tmp_path / "report"), "--json", "-"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["counts"]["frames"] == 4
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"summary.json", "composition.png", "energies.png", "forces.png", "distances.png"}
    done = CliRunner().invoke(app, ["data", str(write_bad(tmp_path / "bad.xyz"))])
    assert done.exit_code == 1 and "pair-les train would refuse these data: 5 problems" in done.stdout
