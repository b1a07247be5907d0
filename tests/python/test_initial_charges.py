# SPDX-License-Identifier: MIT
"""Initial charges of the elements: found where the data have them, not made up where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data import Graph, LabelKeys, build_graphs, fit_reference_energies, read_frames
from pair_les.errors import ConfigError
from pair_les.model_file.metadata import LongRange
from pair_les.net import LESNet, NetSettings
from pair_les.training.config_file import parse_config
from pair_les.training.initial_charges import (
    _adjust_to_totals,
    fit_initial_charges,
    largest_imbalance,
    neutral_directions,
)
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


def metal(n_frames: int, fractions: tuple[float, ...]) -> list[Atoms]:
    """Rattled copper-aluminum cells of 32 atoms with forces of effective medium theory."""
    random = np.random.default_rng(5)
    frames = []
    for number in range(n_frames):
        fraction = fractions[number % len(fractions)]
        atoms = bulk("Cu", "fcc", a=(3.62 + 0.3 * fraction) * random.uniform(0.97, 1.03), cubic=True).repeat(
            2
        )
        for index in random.permutation(len(atoms))[: round(fraction * len(atoms))]:
            atoms.symbols[index] = "Al"
        atoms.positions += random.normal(0.0, 0.12, atoms.positions.shape)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        frames.append(atoms)
    return frames


def test_charges_of_a_metal_add_up(tmp_path: Path) -> None:
    """Like charges on all atoms, which do not, fit its forces better than pair potentials alone."""
    alloys = graphs_of(metal(20, (0.1, 0.5, 0.9)), tmp_path, ["Al", "Cu"])
    assert fit_initial_charges(alloys, ["Al", "Cu"], CUTOFF, LONG_RANGE, seed=0) is None
    compound = graphs_of(metal(20, (0.25,)), tmp_path, ["Al", "Cu"])
    charges = fit_initial_charges(compound, ["Al", "Cu"], CUTOFF, LONG_RANGE, seed=0)
    assert charges is None or abs(0.25 * charges["Al"] + 0.75 * charges["Cu"]) < 1e-9


def test_charges_of_neutral_cells_add_up(tmp_path: Path) -> None:
    """Frames of an ion pair too many of one sign are isolated: they may be ions, and do not count."""
    graphs = graphs_of(tiny_frames(30), tmp_path)
    charges = fit_initial_charges(graphs, SPECIES, CUTOFF, LONG_RANGE, seed=0)
    assert abs(charges["Na"] + charges["Cl"]) < 1e-9
    total, label, n_atoms = largest_imbalance(graphs, SPECIES, {"Na": 0.6, "Cl": -0.3})
    assert (total, label, n_atoms) == (pytest.approx(1.2), 0.0, 8)


def test_neutral_directions() -> None:
    water = torch.tensor([[2.0, 1.0, 0.0, 0.0]])
    salt = torch.tensor([[20.0, 10.0, 1.0, 1.0]])
    one = neutral_directions(water[:, :2])
    assert one.shape == (2, 1) and float((water[:, :2].double() @ one).abs().max()) < 1e-12
    both = torch.cat([water, salt])
    directions = neutral_directions(both)
    assert directions.shape == (4, 2) and float((both.double() @ directions).abs().max()) < 1e-12
    assert torch.allclose(directions.T @ directions, torch.eye(2, dtype=torch.float64))
    assert neutral_directions(torch.tensor([[1.0, 3.0], [2.0, 2.0]])).shape == (2, 0)
    assert neutral_directions(torch.zeros(0, 3)).shape == (3, 3)


def test_charges_of_charged_cells_add_up_to_their_charge() -> None:
    composition, totals = torch.tensor([[4.0, 3.0]]).double(), torch.tensor([0.6]).double()
    charges = torch.tensor([-0.5, 0.55]).double()
    with_totals = _adjust_to_totals(charges, composition, totals)
    assert float(composition @ with_totals - totals) == pytest.approx(0.0, abs=1e-9)
    assert float(with_totals[0]) > 0.0  # the sign that total charges determine
    # One composition in two states: no charges of elements add up to both.
    two = _adjust_to_totals(charges, composition.repeat(2, 1), torch.tensor([0.0, 1.0]).double())
    assert torch.equal(two, charges)


@pytest.mark.slow
def test_the_user_is_told(tiny_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = tiny_config(tiny_folder, epochs=1, initial_charges={"Na": 0.6, "Cl": -0.3})
    values["output"] = str(tmp_path / "run")
    train(parse_config(values, "test"))
    err = capfd.readouterr().err
    assert (
        "warning: initial charges add up to +1.20 e in a frame of 8 atoms whose total charge is 0 e: give"
        in err
    )


def test_the_network_starts_from_them() -> None:
    """Whatever the surroundings, every atom of an element has its charge."""
    network = LESNet(SPECIES, NetSettings(cutoff=CUTOFF, n_channels=4, hidden=(8,)), charge=True)
    network.start_from_charges({"Na": 0.7, "Cl": -0.4})
    edges = torch.tensor([[0, 1, 2], [1, 0, 0]])
    vectors = torch.tensor([[2.0, 0.0, 0.1], [-2.0, 0.0, -0.1], [0.0, 2.5, 0.0]])
    charge = network(torch.tensor([0, 1, 1]), edges, vectors, 3)["charge"]
    assert charge.tolist() == pytest.approx([0.7, -0.4, -0.4])


@pytest.mark.slow
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
