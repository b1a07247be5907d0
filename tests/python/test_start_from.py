# SPDX-License-Identifier: MIT
"""Runs that start from a model: more epochs, other data, other elements, frozen parts; killed and resumed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import torch
import yaml
from pair_les.cli.inspect import inspect
from pair_les.data.periodic_table import group_and_period, nearest_element
from pair_les.errors import ConfigError, RunError
from pair_les.export import export
from pair_les.model_file import read_metadata
from pair_les.net import network_class
from pair_les.net.species_transfer import transfer_weights
from pair_les.training.checkpoints import RunCheckpoint
from pair_les.training.config_file import parse_config, read_config
from pair_les.training.run import train
from pair_les.training.trained import load_trained
from python.conftest import tiny_config
from python.random_networks import cluster, edges, make_network
from python.test_training import history, run

MESSAGES = {"message_passing_layers": 1, "l_max": 2, "message_l_max": 1}


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with the same data."""
    shutil.copy(tiny_folder / "train.xyz", tmp_path)
    return tmp_path


def rename(folder: Path, old: str, new: str) -> None:
    """Replace an element in half of the training frames."""
    frames = ase.io.read(folder / "train.xyz", ":")
    for frame in frames[::2]:
        calc = frame.calc
        frame.symbols[frame.symbols == old] = new
        frame.calc = calc
    ase.io.write(folder / "train.xyz", frames)


# ------------------------------------------------------------------------------------- weights of other species


@pytest.mark.parametrize("settings", [{"l_max": 2}, MESSAGES], ids=["local", "messages"])
def test_a_network_for_other_species_says_the_same(settings: dict[str, Any]) -> None:
    """Reordered, with new species in place of known ones, or without a species that does not occur."""
    source = make_network(n_channels=4, **settings)
    positions, species = cluster(30)
    index, vectors = edges(positions)
    energy, charge = source.interaction(species, index, vectors, len(species))

    def built(symbols: list[str], origins: dict[str, str]) -> Any:
        target = network_class(source.settings)(
            symbols, source.settings, charge=True, reference_energies=dict.fromkeys(symbols, 0.0)
        ).double()
        transfer_weights(source, target, origins)
        return target

    more = built(["H", "S", "O", "F"], {"H": "H", "S": "O", "O": "O", "F": "H"})
    random = np.random.default_rng(3).random(len(species)) < 0.5
    oxygen = np.where(random, 1, 2)  # S or O
    hydrogen = np.where(random, 0, 3)  # H or F
    renamed = torch.tensor(np.where(species.numpy() == 0, oxygen, hydrogen))
    found = more.interaction(renamed, index, vectors, len(species))
    assert torch.allclose(found[0], energy, rtol=0.0, atol=1e-9)
    assert torch.allclose(found[1], charge, rtol=0.0, atol=1e-9)

    only = built(["H"], {"H": "H"})
    all_hydrogen = torch.ones_like(species)
    expected = source.interaction(all_hydrogen, index, vectors, len(species))
    found = only.interaction(torch.zeros_like(species), index, vectors, len(species))
    assert torch.allclose(found[0], expected[0], rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("settings", [{"l_max": 2}, MESSAGES], ids=["local", "messages"])
def test_a_network_gets_charges_without_a_change_of_its_energies(settings: dict[str, Any]) -> None:
    source = make_network(charge=False, **settings)
    target = network_class(source.settings)(
        ["O", "H"], source.settings, charge=True, reference_energies=dict.fromkeys("OH", 0.0)
    ).double()
    transfer_weights(source, target, {"O": "O", "H": "H"})
    positions, species = cluster(30)
    index, vectors = edges(positions)
    expected = source.interaction(species, index, vectors, len(species))[0]
    energy, charge = target.interaction(species, index, vectors, len(species))
    assert torch.allclose(energy, expected, rtol=0.0, atol=1e-10)
    assert len(charge) == len(species)


def test_the_nearest_element() -> None:
    assert [group_and_period(s) for s in ("H", "He", "C", "Fe", "La", "Lu", "Hf", "Cs", "U")] == [
        (1, 1), (18, 1), (14, 2), (8, 4), (3, 6), (3, 6), (4, 6), (1, 6), (3, 7),
    ]  # fmt: skip
    for symbol, known, nearest in (
        ("K", ["Cl", "Na", "Ca"], "Na"),
        ("F", ["O", "Cl"], "Cl"),
        ("P", ["O", "N"], "N"),
    ):
        assert nearest_element(symbol, known) == nearest


# ------------------------------------------------------------------------------------------------ starting


def test_the_start_is_the_model_that_was_trained(
    tiny_run: Path, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """From the run folder and from its model file; reference energies and normalization are kept, the origin is recorded."""
    export(tiny_run, tmp_path / "model.pt")
    expected = json.loads((tiny_run / "summary.json").read_text())["validation"]
    start = load_trained(tiny_run)
    for source in (tiny_run, tmp_path / "model.pt"):
        output = str(folder / source.name.replace(".", "_"))
        capfd.readouterr()
        done = run(folder, {"output": output}, epochs=1, start_from=str(source), learning_rate=1e-4)
        said = capfd.readouterr().err
        assert f"starting from {source}" in said
        summary = json.loads((done / "summary.json").read_text())
        at_start = summary["started_from"]["validation_at_start"]
        assert at_start["forces_rmse"] == pytest.approx(expected["forces_rmse"], rel=1e-3)
        assert at_start["energy_rmse"] == pytest.approx(expected["energy_rmse"], rel=1e-3)
        trained = load_trained(done)
        assert torch.equal(trained.network.reference_energies, start.network.reference_energies)
        assert torch.equal(trained.network.feature_spread, start.network.feature_spread)
        assert not torch.equal(trained.network.mixing, start.network.mixing)
        assert len(summary["started_from"]["sha256"]) == 64
        export(done, tmp_path / "again.pt")
        assert read_metadata(tmp_path / "again.pt").created_with["origin"]["start_from"] == str(source)
        assert f"started from        {source}" in inspect(tmp_path / "again.pt")


def test_keys_of_the_model_may_be_left_out(tiny_run: Path, folder: Path) -> None:
    values = tiny_config(folder, start_from=str(tiny_run))
    for model in (None, {}, {"l_max": 1}):
        values["model"] = model
        (folder / "c.yaml").write_text(yaml.safe_dump(values))
        assert read_config(folder / "c.yaml").model == load_trained(tiny_run).config.model
    assert (
        read_config(tiny_run).output == load_trained(tiny_run).config.output
    )  # a run folder is a configuration


@pytest.mark.slow
def test_new_elements_start_from_known_ones(
    tiny_run: Path, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rename(folder, "Na", "K")
    with pytest.raises(
        ConfigError, match=r"does not know K, which occurs in .*new_species: nearest, or \{K: Na\}"
    ):
        run(folder, epochs=1, start_from=str(tiny_run))
    done = run(folder, epochs=1, start_from=str(tiny_run), start={"new_species": "nearest"})
    assert "new species K: starts with the weights of Na" in capfd.readouterr().err
    summary = json.loads((done / "summary.json").read_text())
    assert summary["started_from"]["species"] == {"Na": "Na", "Cl": "Cl", "K": "Na"}
    before = json.loads((tiny_run / "summary.json").read_text())["validation"]
    at_start = summary["started_from"]["validation_at_start"]
    assert at_start["forces_rmse"] == pytest.approx(before["forces_rmse"], rel=0.02)  # K is what Na was
    assert all(check.passed for check in export(done, tmp_path / "model.pt"))


def test_elements_without_frames_are_kept_or_dropped(
    tiny_run: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = [frame for frame in ase.io.read(folder / "train.xyz", ":")]
    for frame in frames:
        calc = frame.calc
        frame.symbols[:] = "Cl"
        frame.calc = calc
    ase.io.write(folder / "train.xyz", frames)
    for rule, species in (("keep", ["Na", "Cl"]), ("drop", ["Cl"])):
        output = {"output": str(folder / rule)}
        done = run(folder, output, epochs=1, start_from=str(tiny_run), start={"absent_species": rule})
        assert sorted(load_trained(done).species) == sorted(species)
        said = capfd.readouterr().err
        assert f"without training frames: Na: {'kept' if rule == 'keep' else 'left out'}" in said


def test_labels_of_another_method_shift_the_reference_energies(
    tiny_run: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, Any] = {"epochs": 1, "start_from": str(tiny_run), "learning_rate": 1e-4}
    refit = {"data": {"reference_energies": "refit"}}
    before = load_trained(run(folder, {**refit, "output": str(folder / "before")}, **settings))
    capfd.readouterr()
    frames = ase.io.read(folder / "train.xyz", ":")
    for frame in frames:
        of_sodium, of_chlorine = (frame.symbols == "Na").sum(), (frame.symbols == "Cl").sum()
        frame.calc.results["energy"] += 3.0 * of_sodium + 7.0 * of_chlorine
    ase.io.write(folder / "train.xyz", frames)
    run(folder, {"output": str(folder / "kept")}, **settings)
    assert "set data.reference_energies: refit" in capfd.readouterr().err
    after = load_trained(run(folder, refit, **settings))
    shifts = after.network.reference_energies - before.network.reference_energies
    assert dict(zip(after.species, shifts.tolist(), strict=True)) == pytest.approx({"Na": 3.0, "Cl": 7.0})
    assert "reference energies shifted to the labels (eV): Na" in capfd.readouterr().err


@pytest.mark.slow
def test_a_model_without_charges_gets_some(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    short = run(folder, {"model": {"long_range": None}, "output": str(folder / "short")}, epochs=4)
    capfd.readouterr()
    refit = {"data": {"reference_energies": "refit"}}
    done = run(folder, refit, epochs=3, start_from=str(short))
    assert "initial charges (e): Na +0." in capfd.readouterr().err
    assert load_trained(done).long_range is not None
    last = float(history(short)[-1]["valid_forces_rmse"])
    assert float(history(done)[-1]["valid_forces_rmse"]) < last


# ------------------------------------------------------------------------------------------- parts of a network


def test_frozen_parts_stay_and_others_have_rates_of_their_own(tiny_run: Path, folder: Path) -> None:
    done = run(
        folder,
        epochs=1,
        start_from=str(tiny_run),
        freeze=["features"],
        learning_rate_factors={"readout": 0.1},
    )
    before, after = load_trained(tiny_run).network, load_trained(done).network
    assert torch.equal(after.mixing, before.mixing)
    assert not torch.equal(after.readout.last.weight, before.readout.last.weight)
    groups = torch.load(done / "checkpoints" / "last.ckpt", weights_only=True)["optimizer_states"][0][
        "param_groups"
    ]
    assert [group["initial_lr"] for group in groups] == [pytest.approx(0.001)] * len(groups)
    assert float(history(done)[0]["learning_rate"]) > 0.001  # that of the configuration


# -------------------------------------------------------------------------------- interruption and extension


class Died(Exception):
    """A process that is no more."""


def die_after(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let training end with `Died` when the checkpoint of an epoch (counted from 1) has been written."""
    write = RunCheckpoint._write

    def die(self: RunCheckpoint, trainer: Any, name: str) -> None:
        write(self, trainer, name)
        if name == "last.ckpt" and trainer.current_epoch == epoch - 1:
            raise Died

    monkeypatch.setattr(RunCheckpoint, "_write", die)


def test_a_killed_run_does_not_need_its_start_again(tiny_run: Path, folder: Path) -> None:
    """With other elements, refitted energies and a frozen part it gives the numbers of a run that was never killed."""
    rename(folder, "Na", "K")
    shutil.copytree(tiny_run, folder / "start")
    changes: dict[str, Any] = {"data": {"reference_energies": "refit"}}
    training: dict[str, Any] = {
        "epochs": 3,
        "start_from": str(folder / "start"),
        "start": {"new_species": {"K": "Na"}},
        "freeze": ["readout"],
    }
    reference = run(folder, {**changes, "output": str(folder / "whole")}, **training)
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, 1)
        with pytest.raises(Died):
            run(folder, changes, **training)
    shutil.rmtree(folder / "start")
    resumed = run(folder, changes, **training)
    assert history(resumed) == history(reference)
    one, other = (load_trained(done).network.state_dict() for done in (resumed, reference))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_a_finished_run_goes_on_with_more_epochs(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = run(folder, epochs=1)
    first = history(done)
    with pytest.MonkeyPatch.context() as patch:  # killed while the run is made unfinished
        patch.setattr("pair_les.training.extension.read_checkpoint", lambda path: (_ for _ in ()).throw(Died))
        with pytest.raises(Died):
            run(folder, epochs=3)
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, 2)
        with pytest.raises(Died):
            run(folder, epochs=3)
    assert run(folder, epochs=3) == done
    assert "goes on to 3 epochs" in capfd.readouterr().err
    rows = history(done)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[0] == first[0]
    assert json.loads((done / "summary.json").read_text())["epochs"] == 3
    with pytest.raises(RunError, match=r"training\.epochs = 3, now it is 2"):
        run(folder, epochs=2)
    again = train(read_config(done, ["training.epochs=4"]))  # the folder stands for its configuration
    assert len(history(again)) == 4


def test_a_run_that_stopped_early_goes_on_with_more_epochs(folder: Path) -> None:
    settings: dict[str, Any] = {"learning_rate": 1e-12, "ema": None, "early_stopping": {"patience": 1}}
    assert len(history(run(folder, epochs=5, **settings))) < 5
    before = len(history(folder / "run"))
    assert len(history(run(folder, epochs=6, **settings))) > before


# ------------------------------------------------------------------------------------------------ refusals


def test_what_cannot_be_started_from_is_refused_on_one_line(tiny_run: Path, folder: Path) -> None:
    (folder / "text.pt").write_text("no model")
    start = {"start_from": str(tiny_run)}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {"start_from": "nowhere"}, r"nowhere: checkpoint does not exist"),
        ({}, {"start_from": str(folder / "text.pt")}, r"text\.pt: not a checkpoint, or a damaged one"),
        (
            {"model": {"l_max": 2}},
            start,
            r"model\.l_max = 2, that of training\.start_from = .*run is 1: leave the key out",
        ),
        (
            {"model": {"long_range": {"sigma": 2.0}}},
            start,
            r"model\.long_range\.sigma = 2\.0, that of .* is 1\.0",
        ),
        ({"model": {"long_range": None}}, start, r"model\.long_range = None, that of"),
        (
            {},
            {**start, "start": {"new_species": {"Na": "Cl"}}},
            r"new_species names Na: the start model has it",
        ),
        ({}, {**start, "start": {"new_species": {"K": "Na"}}}, r"names K: it does not occur in the training"),
        (
            {},
            {**start, "freeze": ["messages"]},
            r"training\.freeze names messages: this network has .*features",
        ),
        ({}, {**start, "freeze": ["features", "readout"]}, r"nothing is left to train"),
        ({"data": {"reference_energies": "refit"}}, {}, r"'refit' shifts those of training\.start_from"),
    ]
    for number, (changes, training, message) in enumerate(cases):
        with pytest.raises((ConfigError, RunError), match=message) as error:
            run(folder, {**changes, "output": str(folder / f"out{number}")}, epochs=1, **training)
        assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match=r"training\.freeze.*'messages', 'readout' or 'backbone'"):
        parse_config(tiny_config(folder, freeze=["mixing"]), "test")


def test_model_files_that_cannot_be_trained_further(tiny_run: Path, folder: Path) -> None:
    export([tiny_run, tiny_run], folder / "committee.pt", say=lambda line: None)
    with pytest.raises(RunError, match=r"committee\.pt is a committee of 2 networks: give one of their run"):
        run(folder, epochs=1, start_from=str(folder / "committee.pt"))
