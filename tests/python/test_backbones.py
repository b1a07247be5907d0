# SPDX-License-Identifier: MIT
"""Backbones: charges of networks of others, what is frozen, what is kept in a checkpoint, and errors."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pair_les.backbones import classes
from pair_les.errors import ConfigError, RunError, UserError
from pair_les.net import NetSettings
from pair_les.net.backbone_net import BackboneNet
from pair_les.training.config_file import parse_config, read_config
from pair_les.training.run import train
from pair_les.training.trained import load_trained
from python.conftest import tiny_config
from python.random_networks import cluster, edges
from python.test_start_from import Died, die_after
from python.test_training import history

MODULE = '''
import torch
from torch import Tensor, nn


class Distances(nn.Module):
    """Sums of Gaussians of distances, a linear energy."""

    def __init__(self, species: list[str], cutoff: float, width: int = 6):
        super().__init__()
        self.n_features = width
        self.cutoff = cutoff
        self.embedding = nn.Embedding(len(species), width)
        self.readout = nn.Linear(width, 1)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        r = edge_vectors.square().sum(1, keepdim=True).sqrt()
        values = torch.exp(-r) * (1.0 - (r / self.cutoff).square()).pow(3)
        rows = torch.zeros(n_local, self.n_features, dtype=values.dtype)
        features = rows.index_add(0, edge_index[0], values * self.embedding(species[edge_index[1]]))
        return {"energy": self.readout(features).squeeze(1), "features": features}


class Nameless(nn.Module):
    def __init__(self, species: list[str], cutoff: float):
        super().__init__()
'''


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data and the module ``distances``."""
    shutil.copy(tiny_folder / "train.xyz", tmp_path)
    (tmp_path / "distances.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "distances", raising=False)
    return tmp_path


def run(folder: Path, model: dict[str, Any], **training: Any) -> Path:
    values = tiny_config(folder, **training)
    values["model"] = {"backbone": "distances:Distances", "cutoff": 4.0, "hidden": [8], **model}
    values["output"] = str(folder / f"run{len(list(folder.glob('run*')))}")
    return train(parse_config(values, "test"))


def weights(folder: Path) -> Path:
    """State dict of a backbone of random weights."""
    from distances import Distances  # type: ignore[import-not-found]

    torch.manual_seed(5)
    torch.save(Distances(["Na", "Cl"], 4.0).state_dict(), folder / "weights.pt")
    return folder / "weights.pt"


def test_the_energies_of_the_backbone_are_the_start(folder: Path) -> None:
    """The readout adds nothing to them; charges are small, and of the species."""
    from distances import Distances

    backbone = Distances(["H", "O"], 3.0).double()
    settings = NetSettings(3.0, hidden=(8,))
    network = BackboneNet(backbone, ["O", "H"], [1, 0], settings, charge=True, backbone_scale=2.0).double()
    positions, species = cluster(20)
    index, vectors = edges(positions)
    network.fit_statistics(species, index, vectors, len(species))
    energy, charge = network.interaction(species, index, vectors, len(species))
    expected = backbone(1 - species, index, vectors, len(species))["energy"]
    assert torch.allclose(energy, 2.0 * expected, rtol=0.0, atol=1e-14)
    assert 0.05 < float(charge.abs().max()) < 0.2
    network.start_from_charges({"O": -0.8, "H": 0.4})
    charge = network.interaction(species, index, vectors, len(species))[1]
    assert torch.allclose(charge, torch.tensor([-0.8, 0.4], dtype=torch.float64)[species])


@pytest.mark.parametrize("freeze", ["all", "embedding", "none"])
def test_a_trained_backbone_is_frozen_as_asked(
    folder: Path, freeze: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its reference energies are kept, its rate is a tenth, and charges begin small."""
    file = weights(folder)
    done = run(folder, {"checkpoint": str(file), "freeze": freeze}, epochs=1)
    before, after = torch.load(file, weights_only=True), load_trained(done).network.backbone.state_dict()
    same = {name: torch.equal(before[name], after[name]) for name in before}
    assert same["embedding.weight"] == (freeze != "none")
    assert same["readout.weight"] == (freeze == "all")
    said = capfd.readouterr().err
    assert "backbone distances:Distances of" in said and "reference energies of Na Cl" in said
    assert "initial charges (e): Na +0.1000, Cl -0.1000" in said
    assert not bool(load_trained(done).network.reference_energies.any())  # it says none
    groups = torch.load(done / "checkpoints" / "last.ckpt", weights_only=True)["optimizer_states"][0]
    rates = {round(group["initial_lr"], 6) for group in groups["param_groups"]}
    assert rates == ({0.01} if freeze == "all" else {0.01, 0.001})


def test_charges_by_equilibration_and_none(folder: Path) -> None:
    done = run(folder, {"long_range": {"charge_model": "equilibration"}}, epochs=1)
    assert load_trained(done).network.equilibrates
    assert load_trained(run(folder, {"long_range": None}, epochs=1)).long_range is None


def test_a_killed_run_with_a_backbone_is_resumed(folder: Path) -> None:
    values = tiny_config(folder, epochs=2)
    values["model"] = {"backbone": "distances:Distances", "cutoff": 4.0, "checkpoint": str(weights(folder))}
    whole = train(parse_config({**values, "output": str(folder / "whole")}, "test"))
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, 1)
        with pytest.raises(Died):
            train(parse_config(values, "test"))
    (folder / "weights.pt").unlink()
    assert history(train(parse_config(values, "test"))) == history(whole)


def test_a_run_with_a_backbone_is_a_start_model(folder: Path) -> None:
    done = run(folder, {"options": {"width": 4}}, epochs=1)
    values = tiny_config(folder, epochs=1, start_from=str(done))
    del values["model"]
    (folder / "c.yaml").write_text(yaml.safe_dump({**values, "output": str(folder / "again")}))
    again = load_trained(train(read_config(folder / "c.yaml")))
    assert again.network.backbone.n_features == 4
    assert again.origin["start_from"] == str(done)


def test_other_packages_register_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("distances", "distances:Distances", classes.GROUP)
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == classes.GROUP else []
    )
    assert load_trained(run(folder, {"backbone": "distances"}, epochs=1)).backbone.name == "distances"
    with pytest.raises(
        ConfigError, match=r"model\.backbone = dist: known are mace, .*converted, distances, or a class"
    ):
        run(folder, {"backbone": "dist"}, epochs=1)


def test_what_is_no_backbone_is_refused_on_one_line(folder: Path, tiny_run: Path) -> None:
    (folder / "text").write_text("text")
    torch.save({"other": torch.zeros(1)}, folder / "other.pt")
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"backbone": "painn"},
            r"model\.backbone = painn: known are mace, sevenn, nequip, allegro, cace, converted",
        ),
        ({"backbone": "sevenn"}, r"model\.backbone = sevenn: needs model\.checkpoint: only mace and classes"),
        (
            {"backbone": "nowhere:Class"},
            r"module nowhere cannot be imported .*install its package, or run where",
        ),
        ({"backbone": "distances:Missing"}, r"distances has no class 'Missing': it has Distances, Nameless"),
        ({"backbone": "distances:Nameless"}, r"n_features is None, must be the number of scalar features"),
        ({"options": {"wide": 3}}, r"unexpected keyword argument 'wide'.*width: int = 6.*model\.options"),
        ({"checkpoint": "nowhere.pt"}, r"model\.checkpoint: nowhere\.pt does not exist"),
        ({"checkpoint": str(folder / "text")}, r"model\.checkpoint: .*text is no state dict of distances"),
        ({"checkpoint": str(folder / "other.pt")}, r"other\.pt is no state dict of distances:Distances"),
        (
            {"n_channels": 8},
            r"model: n_channels = 8 describes the network of pair_les, not the backbone distances",
        ),
        ({"backbone": None, "freeze": "all"}, r"model: freeze is given without backbone"),
        ({"backbone": "converted", "checkpoint": str(folder / "text")}, r"text"),
        ({"freeze": "some"}, r"model\.freeze = 'some'.*'none', 'embedding' or 'all'"),
    ]
    if importlib.util.find_spec("mace") is None:
        cases.append(
            ({"backbone": "mace", "options": {}}, r"mace-torch is not installed in this environment")
        )
    for model, message in cases:
        with pytest.raises((UserError, ValueError), match=message) as error:
            run(folder, model, epochs=1)
        assert "\n" not in str(error.value), message


def test_a_model_file_with_a_backbone_is_no_start(folder: Path, tmp_path: Path) -> None:
    from pair_les.export import export

    done = run(folder, {}, epochs=1)
    export(done, tmp_path / "model.pt", force=True)
    values = tiny_config(folder, epochs=1, start_from=str(tmp_path / "model.pt"))
    with pytest.raises(RunError, match=r"contains backbone distances:Distances.*give the run folder"):
        train(parse_config({**values, "output": str(folder / "more")}, "test"))
    with pytest.raises(RunError, match=r"committees of networks with a backbone are not supported"):
        export([done, done], tmp_path / "committee.pt", force=True)
