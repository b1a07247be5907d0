# SPDX-License-Identifier: MIT
"""What ``pair-les analyze`` says about a cell with electrodes: capacitances from samples of known ones, potential of two walls."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from capacitors import KE, planar_charge
from pair_les.analysis import Settings, analyze
from pair_les.analysis.capacitance import capacitance_tables, fit_slope, read_charges
from pair_les.analysis.constants import BOLTZMANN
from pair_les.analysis.planar_potential import open_potential
from pair_les.analysis.profiles import Profiles
from pair_les.cli.app import main
from pair_les.errors import DataError, UserError
from snapshots import STANDARD_ERRORS, filled, snapshot

CAPACITANCE, EMPTY, TEMPERATURE = 2.0, 0.4, 1300.0
NAMES = "c_e[1] c_e[2] c_e[3] c_e[4]"


def write_charges(
    path: Path, voltage: float, n: int = 4000, seed: int = 0, names: str = NAMES, **changes: np.ndarray
) -> None:
    """As fix ave/time writes it, with charges whose mean and variance are those of `CAPACITANCE`."""
    rng = np.random.default_rng(seed)
    width = np.sqrt((CAPACITANCE - EMPTY) * BOLTZMANN * TEMPERATURE)
    charge = CAPACITANCE * voltage + width * rng.normal(size=n)
    left = changes.get("left", np.full(n, voltage - 0.3))
    empty = changes.get("empty", np.where(np.arange(n) < 3, np.nan, EMPTY))
    lines = ["# Time-averaged data for fix 1", "# TimeStep Number-of-rows", f"# Row {names}"]
    for number in range(n):
        lines.append(f"{10 * number} 2")
        lines.append(f"1 {charge[number]:.10g} {left[number]:.10g} 0 {empty[number]:.10g}")
        lines.append(f"2 {-charge[number]:.10g} -0.3 0 {empty[number]:.10g}")
    path.write_text("\n".join(lines) + "\n")


def test_both_capacitances_are_the_one_of_the_samples(tmp_path):
    for seed, voltage in enumerate((0.0, 0.5, 1.0, 2.0)):
        write_charges(tmp_path / f"{voltage}.txt", voltage, seed=seed)
    files = sorted(tmp_path.glob("*.txt"), reverse=True)
    curve, runs = capacitance_tables([read_charges(file, first_step=50) for file in files], TEMPERATURE)
    assert curve.columns["voltage (V)"] == pytest.approx([0.0, 0.5, 1.0, 2.0])
    slope, error, offset, _ = fit_slope(*(curve.columns[name] for name in curve.columns))
    assert abs(slope - CAPACITANCE) < STANDARD_ERRORS * error and error < 0.02
    assert abs(offset) < 0.05
    found, errors = runs.columns["capacitance (e/V)"], runs.columns["capacitance error"]
    assert np.all(np.abs(found - CAPACITANCE) < STANDARD_ERRORS * errors) and np.all(errors < 0.1)
    assert curve.facts["slope"].startswith("2.0") and "e/V" in curve.facts["slope"]


def test_error_of_a_slope_is_its_scatter():
    rng = np.random.default_rng(3)
    voltage, error = np.array([0.0, 0.5, 1.0, 2.0]), np.array([0.1, 0.2, 0.1, 0.3])
    slopes = [fit_slope(voltage, 1.5 * voltage + error * rng.normal(size=4), error) for _ in range(2000)]
    assert np.mean([slope for slope, *_ in slopes]) == pytest.approx(1.5, abs=0.02)
    assert np.std([slope for slope, *_ in slopes]) == pytest.approx(slopes[0][1], rel=0.05)
    assert np.mean([quality for *_, quality in slopes]) == pytest.approx(1.0, rel=0.1)


def test_bad_charges_are_errors_of_one_line(tmp_path):
    def refused(message: str, *voltages: float, options: dict | None = None, **changes) -> None:
        files = [tmp_path / f"{number}.txt" for number in range(len(voltages))]
        for number, (file, voltage) in enumerate(zip(files, voltages, strict=True)):
            write_charges(file, voltage, n=40, seed=number, **changes)
        given = {"electrodes": [str(file) for file in files], "temperature": 300.0} | (options or {})
        with pytest.raises((DataError, UserError), match=message):
            analyze([], tmp_path / "out", Settings(**given), progress=False)

    refused("need the temperature: give --temperature", 1.0, options={"temperature": None})
    refused("does not exist", options={"electrodes": [str(tmp_path / "none.txt")]})
    refused("2 samples from step 380 on are too few, must be at least 10", 1.0, options={"first_step": 380})
    refused("have the same voltage, 1 V", 1.0, 1.0)
    refused("no capacitance at fixed positions", 1.0, 2.0, empty=np.full(40, np.nan))
    refused(r"the columns are c_e\[1\]: write it with", 1.0, names="c_e[1]")
    refused("the voltage goes from 1.3 to 2.3 V", 1.0, left=np.linspace(1.0, 2.0, 40))
    write_charges(tmp_path / "text.txt", 1.0, n=20)
    text = tmp_path / "text.txt"
    text.write_text(text.read_text().replace("-0.3", "word"))
    refused("not a table of numbers", options={"electrodes": [str(text)]})
    refused("area -1.0: must be > 0", 1.0, options={"area": -1.0})


def walls(n: int, edge: float, distance: float, charge: float, scatter: float = 0.0, seed: int = 0):
    """A frame of two walls, and of charges between them that cancel each other at random places."""
    rng = np.random.default_rng(seed)
    heights = np.concatenate([np.full(n, 3.05), np.full(n, 3.05 + distance), 5.0 + 2.0 * rng.random(2)])
    place = np.column_stack([edge * rng.random((2 * n + 2, 2)), heights])
    charges = np.concatenate([np.full(n, charge / n), np.full(n, -charge / n), [scatter, -scatter]])
    return snapshot(place, charges, cell=np.diag([edge, edge, 20.0]), periodic=(True, True, False))


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_potential_between_two_walls(sigma):
    """The voltage of the planar formula, nothing outside; a field is added."""
    charge = planar_charge(2.0, 81.0, 10.0, sigma)
    profile = filled(Profiles(1, 2, 200, ["C"], sigma=sigma), [walls(9, 9.0, 10.0, charge)])
    potential = profile.tables()[1].columns["potential (V)"]
    assert potential[30] - potential[130] == pytest.approx(2.0, abs=0.02)
    assert potential[0] == 0.0 and potential[:5] == pytest.approx(np.zeros(5), abs=0.05)
    in_field = filled(
        Profiles(1, 2, 200, ["C"], sigma=sigma, field=0.1, eps=4.0), [walls(9, 9.0, 10.0, charge)]
    )
    found = in_field.tables()[1].columns["potential (V)"]
    assert found == pytest.approx(0.5 * potential - 0.1 * 0.1 * np.arange(200))


def test_potential_of_two_sheets_has_the_field_of_their_charge():
    charge = np.zeros(100)
    charge[20], charge[70] = 0.01, -0.01  # e/angstrom^3 in slices of 0.2 angstrom
    potential = open_potential(charge, 20.0)
    slope = -4.0 * np.pi * KE * 0.01 * 0.2
    assert np.diff(potential)[25:65] / 0.2 == pytest.approx(np.full(40, slope))
    assert potential[:20] == pytest.approx(np.zeros(20), abs=1e-12) and np.ptp(potential[72:]) < 1e-12


def test_error_of_a_potential(tmp_path):
    """It is that of the means of the blocks, and 0 where nothing moves."""
    frames = [walls(9, 9.0, 10.0, 0.3, scatter=1.0, seed=seed) for seed in range(200)]
    table = filled(Profiles(200, 2, 100, ["C"]), frames).tables()[1]
    error = table.columns["potential error"]
    (name,) = [name for name in table.facts if name.startswith("potential of the first layer")]
    drop = 4.0 * np.pi * KE * 0.3 / 81.0 * 10.0
    value, _, uncertainty, unit = table.facts[name].split()
    assert abs(float(value) - drop) < STANDARD_ERRORS * float(uncertainty) and unit == "V"
    assert 0.0 < float(uncertainty) < 0.5 and np.isfinite(error).all()


def test_command_line(tmp_path, monkeypatch, capsys):
    for seed, voltage in enumerate((0.0, 1.0)):
        write_charges(tmp_path / f"{seed}.txt", voltage, seed=seed)
    monkeypatch.chdir(tmp_path)
    files = ["--electrodes", "0.txt", "--electrodes", "1.txt"]
    arguments = [*files, "--temperature", str(TEMPERATURE), "--area", "160.0", "--first-step", "100"]
    monkeypatch.setattr(sys, "argv", ["pair-les", "analyze", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and "capacitance.png" in capsys.readouterr().out
    with open(tmp_path / "analysis" / "capacitance.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:  # 1602.18 uF/cm^2 are one e/(V A^2)
        assert float(row["capacitance (uF/cm^2)"]) == pytest.approx(1602.18 / 160.0 * CAPACITANCE, rel=0.1)
    assert "difference in standard errors" in (tmp_path / "analysis" / "report.html").read_text()
