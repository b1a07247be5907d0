# SPDX-License-Identifier: MIT
"""MACE as a backbone: trained from nothing, with charges on a trained one, in its environment and from a converted file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from compare import assert_equal
from environments import ROOT, python_with
from harness import Evaluation, evaluate
from pair_les import LESCalculator
from pair_les.model_file import read_metadata
from pair_les.training.config_file import read_config
from pair_les.training.run import train
from pair_les.training.trained import load_trained
from systems import System
from tiny_frames import tiny_config, tiny_frames, write_tiny
from tolerances import EWALD


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that ``train_mace.py`` has filled."""
    folder = tmp_path_factory.mktemp("train")
    write_tiny(folder / "train.xyz", 12)
    paths = os.pathsep.join(str(ROOT / name) for name in ("python", "tests"))
    run = subprocess.run(
        [str(python_with("mace")), str(Path(__file__).with_name("train_mace.py")), str(folder)],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=paths, OMP_NUM_THREADS="1"),
        timeout=1200,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_a_new_mace_runs_in_lammps_cut_at_its_layers(folder, tmp_path):
    metadata = read_metadata(folder / "new.pt")
    assert metadata.message_passing_layers == 1 and metadata.message_features == [16]
    assert metadata.created_with["backbone"]["source"].startswith("mace-torch")
    atoms = tiny_frames(1, seed=5)[0] * (2, 1, 1)
    atoms.set_cell([12.4, 6.2, 6.2])
    atoms.calc = LESCalculator(folder / "new.pt")
    expected = Evaluation(
        atoms.get_charges(),
        atoms.get_potential_energy(),
        atoms.get_forces(),
        -atoms.get_stress()[[0, 1, 2, 5, 4, 3]] * atoms.get_volume(),
    )
    system = System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)
    assert_equal(evaluate(tmp_path, system, folder / "new.pt", ranks=2), expected, EWALD)


def test_a_frozen_mace_keeps_its_weights_and_energies(folder):
    """The model knows the elements of the data only; what a run starts with is MACE itself plus small charges."""
    trained = load_trained(folder / "frozen")
    assert trained.species == ["Na", "Cl"] and trained.backbone.species == ["O", "Na", "Cl"]
    assert trained.network.reference_energies.tolist() == [-2.0, -5.0]
    source = torch.jit.load(folder / "short.pt").state_dict()
    kept = trained.network.backbone.state_dict()
    assert len(kept) > 20 and all(torch.equal(kept[name], source[name]) for name in kept)
    rows = json.loads((folder / "frozen" / "summary.json").read_text())
    assert rows["started_from"]["frozen"] == ["all"]


def test_a_converted_model_gets_charges_without_its_package(folder, tmp_path):
    """`training.start_from` a file of ``pair-les convert``, in the environment of the tests, which has no MACE."""
    values = tiny_config(folder, epochs=1, precision="float64", start_from=str(folder / "short.pt"))
    values["model"] = {"freeze": "all", "hidden": [8]}
    values["output"] = str(tmp_path / "run")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))
    config = read_config(tmp_path / "c.yaml")
    assert (config.model.backbone, config.model.cutoff) == ("converted", 4.0)
    one, other = load_trained(train(config)).network, load_trained(folder / "frozen").network
    for name, value in one.state_dict().items():
        assert np.allclose(value.numpy(), other.state_dict()[name].numpy(), rtol=1e-6, atol=1e-9), name
