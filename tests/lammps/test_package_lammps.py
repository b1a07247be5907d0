# SPDX-License-Identifier: MIT
"""Packages in LAMMPS: against the independent oracle on the TorchScript file of the same network."""

from __future__ import annotations

import re
from collections.abc import Callable

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from packages import Packaged
from pair_les.model_file import read_metadata
from systems import System, random_fluid

CELL = [[9.0, 0.0, 0.0], [1.5, 9.5, 0.0], [-1.2, 0.9, 10.0]]
FLUID = random_fluid({"Na": 14, "Cl": 12}, CELL, seed=4, min_distance=2.2)
SPREAD = "compute s all les/committee/atom\nrun 0\nwrite_dump all custom s.txt id c_s[1] c_s[2] modify sort id format float %.17g\n"


def styles(keywords: str = "") -> list[str]:
    return [f"pair_style les {keywords}".rstrip(), "pair_coeff * * model.pt Cl Na"]


@pytest.mark.parametrize("mode", ["matched", "split"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_against_the_oracle(tmp_path, packaged, ranks: int, mode: str):
    files: Packaged = packaged("local")
    pair = styles("coul 6.0" if mode == "split" else "")
    found = harness.evaluate(tmp_path, FLUID, files.package, ranks=ranks, pair=pair)
    assert_equal(found, oracle.evaluate(files.script, FLUID), tolerances.EWALD)


def test_ranks_without_atoms(tmp_path, packaged):
    """Also an atom without neighbors, and an element that nobody on a rank has."""
    positions = np.array([[2.0, 2.0, 1.0], [4.3, 2.0, 1.0], [7.0, 8.0, 20.0]])
    system = System(("Na", "Cl", "Na"), positions, np.diag([12.0, 12.0, 40.0]))
    files: Packaged = packaged("local")
    found = harness.evaluate(
        tmp_path, system, files.package, ranks=4, pair=styles(), before_box=["processors 1 1 *"]
    )
    assert_equal(found, oracle.evaluate(files.script, system), tolerances.EWALD)


def test_without_charges(tmp_path, packaged):
    files: Packaged = packaged("foreign")
    found = harness.evaluate(tmp_path, FLUID, files.package, ranks=2, pair=styles(), kspace=None)
    assert_equal(found, oracle.evaluate(files.script, FLUID), tolerances.EWALD)


@pytest.mark.parametrize(
    "ranks, keywords, said",
    [
        (1, "", "communicated"),
        (2, "", "communicated"),
        (2, "memory 0", "communicated"),
        (2, "message_passing recompute", "computed again"),
    ],
    ids=["1", "2", "2-memory", "2-recompute"],
)
def test_messages_and_charge_equilibration(tmp_path, packaged, ranks: int, keywords: str, said: str):
    """A network that is cut at its layers, each compiled; as a whole it is evaluated for the ghosts, too."""
    files: Packaged = packaged("layers")
    pair = styles(f"qtol 1e-11 {keywords}")
    found = harness.evaluate(tmp_path, FLUID, files.package, ranks=ranks, pair=pair)
    assert said in (tmp_path / "log.lammps").read_text()
    assert_equal(found, oracle.evaluate(files.script, FLUID), tolerances.EQUILIBRATED)


def test_committee(tmp_path, packaged):
    """Float32: the mean drives the run, and the spread is that of the script (test_committee.py has it against torch)."""
    files: Packaged = packaged("committee")
    spreads = []
    for file in (files.script, files.package):
        script = harness.setup(tmp_path, FLUID, file, pair=styles()) + SPREAD + harness.DUMP
        run = harness.run_lammps(script, tmp_path)
        atoms = run.dump("s.txt")[-1]
        spreads.append(np.stack([atoms["c_s[1]"], atoms["c_s[2]"]], axis=-1))
    assert_equal(harness.evaluation(run), oracle.evaluate(files.script, FLUID), tolerances.FLOAT32)
    largest = np.abs(spreads[0]).max(axis=0)
    assert (largest > 1e-3).all()
    assert (np.abs(spreads[0] - spreads[1]).max(axis=0) < tolerances.FLOAT32_RELATIVE * largest).all()


def test_dynamics_follow_the_script(tmp_path, packaged, monkeypatch: pytest.MonkeyPatch):
    """Lists rebuilt, atoms between ranks; nothing is left of the unpacked file."""
    files: Packaged = packaged("local")
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "unpacked"))
    energies = []
    for file in (files.script, files.package):
        script = harness.setup(tmp_path, FLUID, file, pair=styles())
        script += "velocity all create 600 4711\nfix 1 all nve\nthermo 5\nrun 20\n"
        energies.append(harness.run_lammps(script, tmp_path, ranks=2).column("TotEng"))
    assert np.abs(energies[0] - energies[1]).max() < tolerances.SAME_TRAJECTORY
    assert list((tmp_path / "unpacked").iterdir()) == []


@pytest.mark.parametrize("ranks", [1, 2])
def test_instructions_that_the_processor_lacks(
    tmp_path, packaged: Callable[[str], Packaged], monkeypatch: pytest.MonkeyPatch, ranks: int
):
    """One line on all ranks instead of an illegal instruction."""
    files = packaged("local")
    compiled = instruction_set(files)
    if compiled == "baseline":
        pytest.skip("this processor has nothing beyond baseline")
    monkeypatch.setenv("PAIR_LES_INSTRUCTION_SET", "baseline")
    script = harness.setup(tmp_path, FLUID, files.package, pair=styles()) + "run 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=ranks, expect_error=True)
    (line,) = re.findall(r"^ERROR.*$", run.log, re.MULTILINE)
    assert f"model.pt' was compiled for instruction set {compiled} but this processor runs baseline; " in line


def instruction_set(files: Packaged) -> str:
    return read_metadata(files.package).compiled.instruction_set
