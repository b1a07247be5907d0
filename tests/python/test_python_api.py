# SPDX-License-Identifier: MIT
"""The Python interface gives the numbers of the command line, on frames in memory as on files."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pair_les
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from lightning.pytorch.loggers import Logger
from pair_les.cli.evaluate import evaluate as print_errors
from pair_les.data import LabelKeys, read_data
from pair_les.data.files.sources import FrameList
from pair_les.data.files.write_frames import frames_text
from pair_les.errors import ConfigError, DataError, GeometryError, RunError, UserError
from pair_les.model_file import ContractError
from tiny_frames import tiny_config, tiny_frames

DECIMALS = 1e-8
"""Of the numbers of atoms in an extxyz file."""

BATCH_RELATIVE = 1e-5
"""float32 networks: one frame alone and among others, which torch sums in other orders."""


@pytest.fixture(scope="module")
def model(tiny_run: Path) -> pair_les.Model:
    return pair_les.TrainingRun(tiny_run).model


class RecordingLogger(Logger):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[int | None, dict[str, float]]] = []

    @property
    def name(self) -> str:
        return "recording"

    @property
    def version(self) -> int:
        return 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.sent.append((step, dict(metrics)))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("configurations go to a logger when it is made")


def in_memory(folder: Path, **training: Any) -> dict[str, Any]:
    config = tiny_config(folder, epochs=1, **training)
    del config["data"]
    return config


# ----------------------------------------------------------------------------------------------- training


@pytest.mark.slow
def test_training_on_frames_in_memory(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is resumed from the folder, refused on other frames, leaves the process as it was, and sends its history to a logger."""
    logger = RecordingLogger()
    monkeypatch.setattr("pair_les.training.run.new_logger", lambda config, folder: logger)
    config, frames, validation = in_memory(tmp_path, threads=2), tiny_frames(6), tiny_frames(3, seed=3)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    run = pair_les.train(config, frames=frames, validation=validation)
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)
    assert "data" not in config, "the argument is unchanged"
    ((step, sent),) = logger.sent
    assert step == 1 and sent == pytest.approx(run.history[0], rel=1e-6)
    assert run.finished and run.config.training.epochs == 1
    assert [row["epoch"] for row in run.history] == [1] and isinstance(run.history[0]["steps"], int)
    assert run.errors["n_frames"] == 3 and run.errors["forces_rmse"] == pytest.approx(
        run.history[-1]["valid_forces_rmse"], rel=1e-3
    )
    assert [row["element"] for row in run.by_element] == ["Na", "Cl"]
    assert run.by_config_type == [] and len(run.worst_frames) == 3
    assert run.usable == (run.problems == [])
    split = json.loads((run.folder / "data.json").read_text())
    assert split["train"] == {str(run.folder / "frames.extxyz"): list(range(6))}

    again = pair_les.train(config, frames=frames, validation=validation)
    assert again.history == run.history and "is finished" in capfd.readouterr().err
    written = ase.io.read(run.folder / "frames.extxyz", ":")
    for before, after in zip(frames, written, strict=True):
        np.testing.assert_allclose(after.positions, before.positions, atol=DECIMALS)
        np.testing.assert_allclose(after.get_forces(), before.get_forces(), atol=DECIMALS)
        assert after.get_potential_energy() == pytest.approx(before.get_potential_energy(), abs=DECIMALS)
    with pytest.raises(RunError, match="holds a run on other frames: give another output"):
        pair_les.train(config, frames=frames[:-1], validation=validation)
    longer = {**config, "training": {**config["training"], "epochs": 2}}
    assert len(pair_les.train(longer, frames=frames, validation=validation).history) == 2
    assert len(pair_les.train(run.folder).history) == 2, "a run folder is a configuration"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"train": "a.xyz"}}, r"data\.train = 'a\.xyz': frames are given as well: leave one of them out"),
        ({"data": {"keys": {"energi": "E"}}}, r"configuration: unknown key 'data\.keys\.energi': did you mean"),
        ({"output": 3}, r"configuration: "),
        ({"model": {}}, r"configuration: key 'model\.cutoff' is missing"),
    ],
)  # fmt: skip
def test_configurations_that_cannot_be(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pair_les.train({**in_memory(tmp_path), **change}, frames=tiny_frames(4))
    assert not (tmp_path / "run").exists()


def test_processes_need_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("__main__.__file__", raising=False)
    with pytest.raises(ConfigError, match=r"training\.processes = 2: .* use 1, or pair-les train"):
        pair_les.train(in_memory(tmp_path, processes=2), frames=tiny_frames(4))


def test_one_run_of_several_processes_for_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("__main__.__file__", "script.py", raising=False)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(
        ConfigError, match=r"training\.processes = 2: this script has trained a run of several"
    ):
        pair_les.train(in_memory(tmp_path, processes=2), frames=tiny_frames(4))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run in this folder has finished an epoch"):
        pair_les.TrainingRun(tmp_path)


# ------------------------------------------------------------------------------------------------- frames


def test_labels_survive_the_way_to_the_file(tmp_path: Path) -> None:
    """Info and arrays come before the calculator; arrays of matrices have a row per atom; shapes like those of atoms do not matter."""
    (atoms,) = tiny_frames(1)
    atoms = atoms[:6]
    atoms.info.update(REF_energy=1.25, stress=np.arange(6.0), config_type="bulk")
    atoms.arrays["bec"] = np.arange(54.0).reshape(6, 3, 3)
    atoms.calc = EMT()
    atoms.calc.atoms = atoms.copy()
    atoms.calc.results = {"energy": 2.5, "forces": np.ones((6, 3)), "stress": np.zeros(6), "latent": object()}
    (tmp_path / "frames.xyz").write_text(frames_text([atoms]))
    keys = LabelKeys(energy="REF_energy")
    (read,) = read_data([tmp_path / "frames.xyz"], keys).frames
    (direct,) = read_data([FrameList(atoms=[atoms])], keys).frames
    for frame in (read, direct):
        assert frame.energy == 1.25 and frame.config_type == "bulk" and (frame.forces == 1.0).all()
        assert frame.stress[0, 0] == 0.0 and frame.stress[1, 2] == 3.0
    assert read.atoms.arrays["bec"].shape == (6, 9) and read.atoms.arrays["bec"][1, 4] == 13.0


def test_frames_that_cannot_be_used() -> None:
    moved = bulk("Cu", cubic=True)
    moved.calc = EMT()
    moved.get_forces()
    moved.positions[0] += 0.1
    odd = tiny_frames(1)[0]
    odd.arrays["amplitudes"] = np.ones(len(odd), dtype=complex)
    for frames, message in (
        ([], "frames: the list is empty"),
        ([*tiny_frames(1), "a.xyz"], r"frames, frame 1 .*: is of type str, must be ase\.Atoms"),
        ([moved], r"frames, frame 0 .*: positions have changed since its calculator computed the labels"),
        ([odd], r"frames, frame 0 .*: ASE cannot write it as extxyz"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            frames_text(frames)
        assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------------- model


def test_evaluation_is_that_of_the_command(
    model: pair_les.Model, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tiny_folder / "test.xyz"
    report = model.evaluate(ase.io.read(file, ":"))
    print_errors(tiny_folder / "run", [file], json_file=Path("-"))
    printed = json.loads(capsys.readouterr().out)
    for name, value in report.errors.items():
        assert printed[name] == pytest.approx(value, rel=1e-6), name
    assert [row["forces_rmse"] for row in report.by_element] == pytest.approx(
        [printed["by_element"][symbol]["forces_rmse"] for symbol in ("Na", "Cl")], rel=1e-6
    )
    rows = report.by_frame
    assert [row["frame"] for row in rows] == list(range(6)) and report.by_config_type == []
    sizes = [len(frame) for frame in report.frames]
    mean = sum(n * row["forces_rmse"] ** 2 for n, row in zip(sizes, rows, strict=True)) / sum(sizes)
    assert math.sqrt(mean) == pytest.approx(report.errors["forces_rmse"])
    assert model.evaluate(file).errors == pytest.approx(report.errors, rel=1e-6)
    report.plot(tmp_path / "parity.png")
    report.write_predictions(tmp_path / "predictions.xyz")
    (first, *_) = ase.io.read(tmp_path / "predictions.xyz", ":")
    assert first.info["predicted_energy"] == pytest.approx(report.comparison.energy[0])


def test_many_frames_are_each_as_alone(model: pair_les.Model) -> None:
    """Crystals, clusters, a slab and a lone atom in one batch, and without labels."""
    frames = [*tiny_frames(6, labeled=False), Atoms("Na", positions=[[1.0, 2.0, 3.0]])]
    frames[1].pbc = [True, True, False]
    calculator = model.calculator()
    for atoms, result in zip(frames, model.predict(frames), strict=True):
        atoms.calc = calculator
        assert result.energy == pytest.approx(atoms.get_potential_energy(), rel=BATCH_RELATIVE)
        scale = max(1.0, np.abs(result.forces).max())
        np.testing.assert_allclose(result.forces, atoms.get_forces(), atol=BATCH_RELATIVE * scale)
        np.testing.assert_allclose(result.charges, calculator.results["charges"], atol=BATCH_RELATIVE)
        np.testing.assert_allclose(
            result.latent_potential, calculator.results["latent_potential"], atol=BATCH_RELATIVE * 10
        )
        assert (result.strain_derivative is None) == (not atoms.pbc.all())
        if result.strain_derivative is not None:
            stress = result.strain_derivative / atoms.get_volume()
            np.testing.assert_allclose(stress, atoms.get_stress(voigt=False), atol=BATCH_RELATIVE)
    assert model.predict([]) == []
    charged = model.predict(frames[:2], total_charge=[0.5, -1.0])
    assert [result.charges.sum() for result in charged] == pytest.approx([0.5, -1.0])


def test_frames_that_a_model_cannot_predict(model: pair_les.Model) -> None:
    frames = tiny_frames(2, labeled=False)
    with pytest.raises(UserError, match="total_charge has 1 numbers for 2 frames"):
        model.predict(frames, total_charge=[1.0])
    frames[1].pbc = [True, False, False]
    with pytest.raises(GeometryError, match=r"^frames, frame 1 \(counted from 0\): pbc is"):
        model.predict(frames)
    frames[1] = Atoms("Xe")
    with pytest.raises(ContractError, match=r"^frames, frame 1 .*element 'Xe' is not among"):
        model.predict(frames)


def test_export_and_load(model: pair_les.Model, tmp_path: Path) -> None:
    checks = model.export(tmp_path / "model.pt", description="by Python")
    assert all(check.passed for check in checks)
    loaded = pair_les.Model.load(tmp_path / "model.pt")
    assert loaded.metadata.description == "by Python" and loaded.species == ("Na", "Cl")
    assert loaded.has_charges and loaded.cutoff == 4.0 and "Na Cl, cutoff 4 A, charges" in repr(loaded)
    frames = tiny_frames(2, labeled=False)
    for first, second in zip(model.predict(frames), loaded.predict(frames), strict=True):
        assert first.energy == second.energy
    assert loaded.observe(frames[0]).born.shape == (8, 3, 3)
    with pytest.raises(RunError, match="is a model file already"):
        loaded.export(tmp_path / "other.pt")
    with pytest.raises(RunError, match="force: of a run folder only"):
        pair_les.Model.load(tmp_path / "model.pt", force=True)
    with pytest.raises(ContractError, match="no.pt"):
        pair_les.Model.load(tmp_path / "no.pt")


def test_models_need_no_lightning() -> None:
    program = "import sys, pair_les.api.model; assert not {'lightning', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
