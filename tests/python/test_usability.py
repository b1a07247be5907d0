# SPDX-License-Identifier: MIT
"""Runs whose model is worse than none say so, and export refuses them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data import LabelKeys, build_graphs, fit_reference_energies, read_frames
from pair_les.errors import RunError
from pair_les.export import TOLERANCES, compare_with_trained, export
from pair_les.training import report
from pair_les.training.config import LossSection
from pair_les.training.config_file import parse_config
from pair_les.training.run import train
from pair_les.training.run_folder import RunFolder
from pair_les.training.trained import load_trained
from pair_les.training.usability import (
    ENERGY_NOISE,
    FORCES_NOISE,
    Limits,
    Rattled,
    find_useless_predictions,
    label_limits,
    unbounded_forces,
)
from python.conftest import tiny_config
from tiny_frames import tiny_frames


def test_limits_are_those_of_a_model_that_knows_compositions(tmp_path: Path) -> None:
    """Energies that the composition explains do not count; labels that do not differ have the limits of noise."""
    frames = tiny_frames(12)
    ase.io.write(tmp_path / "frames.xyz", frames, format="extxyz")
    read = read_frames([str(tmp_path / "frames.xyz")], LabelKeys())
    species = ["Na", "Cl"]
    limits = [
        label_limits(graphs[:8], graphs[8:], 2)
        for graphs in (
            build_graphs(read, species, 4.0, fit_reference_energies(read[:8], species)),
            build_graphs(read, species, 4.0),
        )
    ]
    assert limits[0].energy == pytest.approx(limits[1].energy) and limits[0].energy > ENERGY_NOISE
    forces = np.concatenate([frame.forces for frame in read[:8]])
    assert limits[0].forces >= 1000.0 * np.sqrt(np.mean(forces**2)) * (1.0 - 1e-12)

    flat = [replace(frame, energy=-1.0 * len(frame), forces=np.zeros_like(frame.forces)) for frame in read]
    graphs = build_graphs(flat, species, 4.0)
    assert label_limits(graphs[:8], graphs[8:], 2) == Limits(ENERGY_NOISE, FORCES_NOISE)


def test_errors_beyond_the_limits_are_named() -> None:
    limits, weights = Limits(energy=30.0, forces=400.0), LossSection()
    assert find_useless_predictions({"energy_rmse": 29.0, "forces_rmse": 399.0}, limits, weights) == ([], [])
    (text,), none = find_useless_predictions(
        {"energy_rmse": 29.0, "forces_rmse": float("nan")}, limits, weights
    )
    assert "validation forces have an error of nan meV/A, more than the 400 meV/A" in text and none == []
    garbage = {"energy_rmse": 301.0, "forces_rmse": 3.9e7}
    assert len(find_useless_predictions(garbage, limits, weights)[0]) == 2
    assert len(find_useless_predictions(garbage, limits, LossSection(energy=0.0))[0]) == 1
    # Energies alone: a warning, unless forces have nothing to say.
    energies = {"energy_rmse": 31.0, "forces_rmse": 1.0}
    assert [len(texts) for texts in find_useless_predictions(energies, limits, weights)] == [0, 1]
    assert [
        len(texts) for texts in find_useless_predictions(energies, Limits(30.0, FORCES_NOISE), weights)
    ] == [
        1,
        0,
    ]
    assert unbounded_forces(Rattled(4000.0, None), limits) == []
    assert unbounded_forces(Rattled(float("nan"), None), limits) and unbounded_forces(
        Rattled(1e5, None), limits
    )


@pytest.mark.slow
def test_a_run_that_is_worse_than_nothing_warns_and_is_not_exported(
    tiny_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation labels of the wrong sign, and forces on displaced atoms that are not numbers."""
    monkeypatch.setattr(report, "rattle", lambda model: Rattled(float("nan"), None))
    wrong = tiny_frames(6, seed=3)
    for frame in wrong:
        labels = {"energy": frame.get_potential_energy(), "forces": -frame.get_forces()}
        frame.calc = SinglePointCalculator(frame, **labels)
    ase.io.write(tmp_path / "wrong.xyz", wrong, format="extxyz")
    values = tiny_config(tiny_folder, epochs=1)
    values["data"]["valid"] = [str(tmp_path / "wrong.xyz")]
    values["output"] = str(tmp_path / "run")
    run = train(parse_config(values, "test"))
    err = capfd.readouterr().err
    assert f"warning: {run}: not usable: validation forces have an error of" in err
    assert "its model is not usable" in err and "next: pair-les export" not in err
    summary = json.loads((run / "summary.json").read_text())
    assert summary["usable"] is False and "validation forces" in " ".join(summary["problems"])
    assert summary["rattled_forces_rms"] is None and "forces of nan meV/A" in summary["problems"][-1]
    assert summary["validation"]["forces_rmse"] > summary["limits"]["forces_rmse"]

    for checkpoint in (run, run / "checkpoints" / "last.ckpt"):
        with pytest.raises(
            RunError,
            match=r"not usable: validation .* --force \(force=True in Python\) writes the file all the same$",
        ):
            export(checkpoint, tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()
    export(run, tmp_path / "model.pt", force=True)
    assert (tmp_path / "model.pt").is_file()
    train(parse_config(values, "test"))
    assert "is finished: nothing to do" in (err := capfd.readouterr().err) and "is not usable" in err


def test_runs_without_the_mark_are_exported(tiny_run: Path, tmp_path: Path) -> None:
    """An ordinary run is usable; summaries of earlier versions do not say."""
    summary = json.loads((tiny_run / "summary.json").read_text())
    assert summary["usable"] is True and summary["problems"] == [], summary
    assert 0.0 < summary["rattled_forces_rms"] < 1e4
    copy = tmp_path / "run"
    shutil.copytree(tiny_run, copy)
    (copy / "summary.json").write_text(json.dumps({"epochs": 3}))
    assert RunFolder(copy).usable


def test_limits_of_the_comparison_do_not_grow_with_garbage(tiny_run: Path, tmp_path: Path) -> None:
    export(tiny_run, tmp_path / "model.pt")
    trained = load_trained(tiny_run)
    trained.network.readout.last.weight.mul_(1e6)
    scale = float(trained.network.energy_scale)
    checks = {check.quantity: check for check in compare_with_trained(tmp_path / "model.pt", [trained])}
    assert checks["forces"].limit <= 20.0 * scale * TOLERANCES["float32"]["forces"] * (1.0 + 1e-12)
    assert checks["energy"].limit <= (20.0 + 20.0 * scale) * TOLERANCES["float32"]["energy"] * (1.0 + 1e-12)
    assert not any(check.passed for check in checks.values())
