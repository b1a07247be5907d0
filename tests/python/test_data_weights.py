# SPDX-License-Identifier: MIT
"""Weights of frames, frames with one kind of label, and frames that occur twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from pair_les.data import BatchLoader, Frame, build_graphs, collate, read_data, read_frames
from pair_les.data.duplicates import find_duplicates, leakage_findings, repetition_findings
from pair_les.data.weights import describe_weights, weigh_frames
from pair_les.errors import DataError
from pair_les.evaluation.accuracy import compare
from pair_les.evaluation.prediction import predict
from pair_les.net import LESNet, NetSettings
from pair_les.training.config import LossSection
from pair_les.training.config_file import parse_config
from pair_les.training.run import train
from pair_les.training.squared_errors import squared_errors, weighted_loss
from pair_les.training.trained import load_trained
from pair_les.training.training_data import read_training_data
from tiny_frames import CUTOFF, LONG_RANGE, tiny_config, tiny_frames, write_tiny

SPECIES = ["Na", "Cl"]
WEIGHTS = LossSection(energy=2.0, forces=1.0, stress=50.0)


@pytest.fixture
def frames(tmp_path: Path) -> list[Frame]:
    """Periodic and isolated frames; the last has no forces, the one before it no energy."""
    write_tiny(tmp_path / "a.xyz", 7)
    found = read_frames([tmp_path / "a.xyz"])
    found[5] = replace(found[5], energy=float("nan"))
    found[6] = replace(found[6], forces=np.full_like(found[6].forces, np.nan))
    return found


@pytest.fixture
def network() -> LESNet:
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        settings = NetSettings(CUTOFF, n_radial=4, l_max=1, n_channels=4, body_order=3, hidden=(8,))
        return LESNet(SPECIES, settings, charge=True, average_neighbors=10.0)
    finally:
        torch.set_default_dtype(before)


def gradient(network: LESNet, frames: list[Frame], batch_size: int | None = None) -> torch.Tensor:
    """Of the loss, averaged over the batches of an epoch; of all frames together by default."""
    graphs = build_graphs(frames, SPECIES, CUTOFF)
    network.zero_grad()
    batches = list(BatchLoader(graphs, batch_size or len(graphs), shuffle=False))
    for batch in batches:
        prediction = predict(
            network.interaction, LONG_RANGE, batch, torch.float64, stress=True, training=True
        )
        sums, counts = squared_errors(prediction, batch, weighted=True)
        (weighted_loss(sums, counts, WEIGHTS) / len(batches)).backward(inputs=list(network.parameters()))
    return torch.cat([parameter.grad.reshape(-1) for parameter in network.parameters()])


@pytest.mark.parametrize("doubled", [0, 2, 5, 6])
def test_weight_two_is_the_frame_twice(network: LESNet, frames: list[Frame], doubled: int) -> None:
    weighted = [replace(frame, weight=2.0 * (1 + (i == doubled))) for i, frame in enumerate(frames)]
    expected = gradient(network, [*frames, frames[doubled]])
    assert bool(expected.isfinite().all()) and float(expected.norm()) > 0.0
    torch.testing.assert_close(gradient(network, weighted), expected, rtol=1e-9, atol=1e-12)


def test_weights_act_in_batches_of_one_frame(network: LESNet, frames: list[Frame]) -> None:
    """Frames of equal size: the average over an epoch is the gradient of all together."""
    equal = [replace(frame, weight=1.0 + i) for i, frame in enumerate(frames[0:2] + frames[3:5])]
    whole, parts = gradient(network, equal), gradient(network, equal, 1)
    torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-12)
    assert float((gradient(network, [replace(f, weight=1.0) for f in equal]) - whole).norm()) > 1e-3


def test_weight_zero_is_the_frame_left_out(network: LESNet, frames: list[Frame]) -> None:
    weighted = [*frames[:4], replace(frames[4], weight=0.0)]
    torch.testing.assert_close(
        gradient(network, weighted), gradient(network, frames[:4]), rtol=1e-9, atol=1e-12
    )


def test_weights_multiply(tmp_path: Path) -> None:
    written = tiny_frames(4)
    written[1].info["config_weight"] = 3.0
    written[1].info["config_type"] = written[2].info["config_type"] = "melt"
    ase.io.write(tmp_path / "a.xyz", written, format="extxyz")
    frames = [replace(frame, weight=0.5) for frame in read_frames([tmp_path / "a.xyz"])]
    found = weigh_frames(frames, "config_weight", {"melt": 2.0}, "a.xyz")
    assert [frame.weight for frame in found] == [0.5, 3.0, 1.0, 0.5]
    assert describe_weights("training", found, "config_weight") == [
        "weights of training frames, with 'config_weight' of 1 frames: 2 frames 0.5, 2 frames of config_type melt 1 to 3"
    ]
    assert [frame.weight for frame in weigh_frames(frames, None, {}, "a.xyz")] == [0.5] * 4
    with pytest.raises(DataError, match=r"config_type_weights names 'mlet', .*there are: melt"):
        weigh_frames(frames, None, {"mlet": 2.0}, "a.xyz")


@pytest.mark.parametrize("value", [-1.0, np.nan, [1.0, 2.0], "heavy"])
def test_weights_that_are_none(tmp_path: Path, value: object) -> None:
    written = tiny_frames(2)
    written[1].info["config_weight"] = value
    ase.io.write(tmp_path / "a.xyz", written, format="extxyz")
    with pytest.raises(
        DataError, match=r"frame 1 .*weight 'config_weight' is .*must be one number"
    ) as raised:
        weigh_frames(read_frames([tmp_path / "a.xyz"]), "config_weight", {}, "a.xyz")
    assert "\n" not in str(raised.value)
    with pytest.raises(DataError, match="all frames have weight 0"):
        weigh_frames(
            [replace(frame, weight=0.0) for frame in read_frames([tmp_path / "a.xyz"])], None, {}, "a.xyz"
        )


# --------------------------------------------------------------------------------------------- missing labels


def write_partial(file: Path, n_frames: int) -> Path:
    """Every fourth frame has no forces, every fifth no energy."""
    frames = tiny_frames(n_frames)
    for number, atoms in enumerate(frames):
        if number % 4 == 3:
            del atoms.calc.results["forces"]
        elif number % 5 == 4:
            del atoms.calc.results["energy"]
    ase.io.write(file, frames, format="extxyz")
    return file


def test_missing_labels_are_an_error_or_allowed(tmp_path: Path) -> None:
    file = write_partial(tmp_path / "a.xyz", 6)
    with pytest.raises(DataError, match=r"frame 3 .*no forces label.*or set data\.missing_labels: allow"):
        read_data([file])
    frames = read_data([file], allow_missing=True).frames
    assert [frame.has_forces for frame in frames] == [True, True, True, False, True, True]
    assert [frame.has_energy for frame in frames] == [True, True, True, True, False, True]
    atoms = tiny_frames(1)[0]
    atoms.calc.results = {"stress": atoms.calc.results["stress"]}
    ase.io.write(tmp_path / "b.xyz", atoms, format="extxyz")
    with pytest.raises(DataError, match=r"frame 0 .*no energy label"):
        read_data([tmp_path / "b.xyz"], allow_missing=True)


@pytest.mark.slow
def test_a_run_with_missing_labels_and_weights(tmp_path: Path) -> None:
    write_partial(tmp_path / "train.xyz", 24)
    values = tiny_config(tmp_path, epochs=2)
    values["data"] |= {"missing_labels": "allow", "valid": 0.5}
    values["data"]["train"] = [
        {"files": f"{tmp_path}/train.xyz@:12", "weight": 2.0},
        f"{tmp_path}/train.xyz@12:",
    ]
    config = parse_config(values, "c.yaml")
    notes = read_training_data(config).notes
    assert any("with energy" in note and "with forces" in note for note in notes)
    folder = train(config)
    model = load_trained(folder)
    graphs = build_graphs(
        read_data([tmp_path / "train.xyz"], allow_missing=True).frames, model.species, CUTOFF
    )
    comparison = compare(model.network.interaction, model.long_range, graphs, model.dtype)
    errors = comparison.errors()
    assert all(np.isfinite(errors[name]) for name in ("energy_rmse", "forces_rmse", "stress_rmse"))
    assert not np.isfinite(comparison.energy_label).all() and np.isfinite(comparison.energy).all()


def test_a_kind_of_label_that_no_frame_has(tmp_path: Path) -> None:
    frames = tiny_frames(8)
    for atoms in frames:
        del atoms.calc.results["forces"]
    ase.io.write(tmp_path / "train.xyz", frames, format="extxyz")
    values = tiny_config(tmp_path)
    values["data"]["missing_labels"] = "allow"
    with pytest.raises(DataError, match=r"no training frame has a label 'forces'.*training\.loss\.forces: 0"):
        read_training_data(parse_config(values, "c.yaml"))
    values["training"]["loss"] = {"forces": 0.0}
    assert len(read_training_data(parse_config(values, "c.yaml")).train) == 6


# ------------------------------------------------------------------------------------------------- duplicates


def test_frames_that_occur_twice(tmp_path: Path) -> None:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 6)])
    assert find_duplicates(frames) == [] and repetition_findings(frames) == []
    copy = replace(frames[1], file="b.xyz", index=0)
    (finding,) = repetition_findings([*frames, copy])
    assert (
        finding.text.startswith("b.xyz, frame 0 (counted from 0): the same atoms as ") and not finding.refused
    )
    wrong = replace(copy, energy=copy.energy + 1.0)
    (finding,) = repetition_findings([*frames, wrong])
    assert "energies that differ by 0.125 eV/atom: remove the wrong one" in finding.text
    moved = replace(copy, positions=copy.positions + 0.01)
    assert find_duplicates([*frames, moved]) == []


def test_validation_frames_that_are_training_frames(tmp_path: Path) -> None:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 6)])
    assert leakage_findings(frames[:4], frames[4:], True) == []
    (finding,) = leakage_findings(frames[:4], frames[2:], False)
    assert finding.text.startswith("2 of 4 validation frames are training frames (")
    values = tiny_config(tmp_path)
    values["data"] = {"train": str(tmp_path / "a.xyz"), "valid": f"{tmp_path}/a.xyz@:3"}
    notes = read_training_data(parse_config(values, "c.yaml")).notes
    assert sum("3 of 3 validation frames are training frames" in note for note in notes) == 1


def test_batches_without_weights_have_none(frames: list[Frame]) -> None:
    assert collate(build_graphs(frames, SPECIES, CUTOFF)).weight is None
