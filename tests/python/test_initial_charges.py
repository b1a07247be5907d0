# SPDX-License-Identifier: MIT
"""Initial charges of the elements: found where the data have them, not made up where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import pytest
import torch
from pair_les.data import Graph, LabelKeys, build_graphs, fit_reference_energies, read_frames
from pair_les.errors import ConfigError
from pair_les.metadata import LongRange
from pair_les.net import LESNet, NetSettings
from pair_les.training.config_file import parse_config
from pair_les.training.initial_charges import fit_initial_charges
from pair_les.training.run import train
from python.conftest import tiny_config
from tiny_frames import CHARGE, CUTOFF, LONG_RANGE, tiny_frames

FITTED_CHARGE = 2e-3
"""e; 16 radial functions describe the pair repulsion of the tiny frames to about a meV/A."""

SPECIES = ["Na", "Cl"]


def graphs_of(frames: list, folder: Path, species: list[str] = SPECIES) -> list[Graph]:
    """As training has them."""
    ase.io.write(folder / "frames.xyz", frames, format="extxyz")
    read = read_frames([str(folder / "frames.xyz")], LabelKeys())
    return build_graphs(read, species, CUTOFF, fit_reference_energies(read, species))


def test_charges_of_a_known_model_are_found(tmp_path: Path) -> None:
    """Periodic and isolated frames together; of the two signs, the first element has the positive one."""
    charges = fit_initial_charges(graphs_of(tiny_frames(30), tmp_path), SPECIES, CUTOFF, LONG_RANGE, seed=0)
    assert charges == pytest.approx(CHARGE, abs=FITTED_CHARGE)


def test_the_width_of_the_gaussians_is_taken_into_account(tmp_path: Path) -> None:
    """Frames of sigma 1 fitted with sigma 2: within the cutoff the pair potentials make up for it, beyond they cannot."""
    graphs = graphs_of(tiny_frames(30), tmp_path)
    wrong = fit_initial_charges(graphs, SPECIES, CUTOFF, LongRange(sigma=2.0), seed=0)
    assert wrong is None or abs(wrong["Na"] - CHARGE["Na"]) > 5 * FITTED_CHARGE


def test_no_charges_where_there_are_none(tmp_path: Path) -> None:
    graphs = graphs_of(tiny_frames(30), tmp_path)
    generator = torch.Generator().manual_seed(0)
    noise = [replace(g, forces=torch.randn(g.forces.shape, generator=generator).to(g.forces)) for g in graphs]
    assert fit_initial_charges(noise, SPECIES, CUTOFF, LONG_RANGE, seed=0) is None


def test_one_element_has_no_initial_charge(tmp_path: Path) -> None:
    frames = tiny_frames(6)
    for atoms in frames:
        atoms.set_chemical_symbols(["Si"] * len(atoms))
    assert (
        fit_initial_charges(graphs_of(frames, tmp_path, ["Si"]), ["Si"], CUTOFF, LONG_RANGE, seed=0) is None
    )


def test_the_network_starts_from_them() -> None:
    """Whatever the surroundings, every atom of an element has its charge."""
    network = LESNet(SPECIES, NetSettings(cutoff=CUTOFF, n_channels=4, hidden=(8,)), charge=True)
    network.start_from_charges({"Na": 0.7, "Cl": -0.4})
    edges = torch.tensor([[0, 1, 2], [1, 0, 0]])
    vectors = torch.tensor([[2.0, 0.0, 0.1], [-2.0, 0.0, -0.1], [0.0, 2.5, 0.0]])
    charge = network(torch.tensor([0, 1, 1]), edges, vectors, 3)["charge"]
    assert charge.tolist() == pytest.approx([0.7, -0.4, -0.4])


def test_they_are_held_and_then_released(tiny_folder: Path, tmp_path: Path) -> None:
    def charges_after(epochs: int, **training: Any) -> list[float]:
        values = tiny_config(
            tiny_folder, epochs=epochs, initial_charges={"Na": 0.5, "Cl": -0.5}, ema=None, **training
        )
        values["output"] = str(tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        folder = train(parse_config(values, "test"))
        state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        return state["network.readout.last.bias"][:, 1].tolist()

    start = charges_after(1, charge_hold=0.5)
    held = charges_after(4, charge_hold=0.9)
    released = charges_after(4, charge_hold=0.1)
    assert start[0] == -start[1] == held[0] == -held[1]
    assert released[0] != start[0]


def test_given_charges_must_be_those_of_the_frames(tiny_folder: Path, tmp_path: Path) -> None:
    values = tiny_config(tiny_folder, initial_charges={"Na": 0.5, "F": -0.5})
    values["output"] = str(tmp_path / "run")
    with pytest.raises(
        ConfigError, match="training.initial_charges names Na F, the training frames have Na Cl"
    ):
        train(parse_config(values, "test"))
