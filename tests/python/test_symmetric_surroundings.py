# SPDX-License-Identifier: MIT
"""Atoms on sites where symmetry makes densities vanish, and elements that are rare: forces on displaced atoms stay bounded."""

from __future__ import annotations

import json
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
from pair_les.data.batches import Batch, collate
from pair_les.data.frames import LabelKeys, read_frames
from pair_les.data.graphs import Graph, build_graphs
from pair_les.evaluation.prediction import predict
from pair_les.net import message_passing, network_class, statistics
from pair_les.net.edge_vectors import edge_vectors
from pair_les.net.settings import NetSettings
from pair_les.training.config_file import parse_config
from pair_les.training.network import choose_frames, data_scales, fit_statistics
from pair_les.training.run import train
from pair_les.training.trained import load_trained

CUTOFF = 4.5
RATTLE = 0.05
LARGEST_FORCE = 10.0
"""eV/A, of untrained networks whose energies are of the order of 1 eV, root mean square; ordinary data (rattled copper, molten
salt) give 0.3 to 3. Floors relative to the vanishing densities themselves give 1e4 and more."""

TRAINED_FACTOR = 3.0
"""Forces of the trained network on displaced atoms, which it has seen on one element at most, relative to those of EMT."""


def structures() -> dict[str, list[Atoms]]:
    """Frames by name, none of which has an atom that is out of its place."""
    scales = np.linspace(0.97, 1.03, 5)
    cell = [[2.46, 0, 0], [-1.23, 2.13, 0], [0, 0, 20.0]]
    hexagons = Atoms("C2", scaled_positions=[[0, 0, 0.5], [1 / 3, 2 / 3, 0.5]], cell=cell, pbc=True)
    found = {
        "fcc": [bulk("Cu", "fcc", a=3.6)],
        "bcc": [bulk("Fe", "bcc", a=2.87)],
        "hcp": [bulk("Mg", "hcp", a=3.2, c=5.2)],
        "rock salt": [bulk("NaCl", "rocksalt", a=5.64)],
        "diamond": [bulk("Si", "diamond", a=5.43)],
        "monolayer": [hexagons],
        "dimer": [Atoms("CuCu", [[0, 0, 0], [0, 0, 2.3]])],
        "far dimer": [Atoms("CuCu", [[0, 0, 0], [0, 0, CUTOFF - 0.1]])],
    }
    strained = {}
    for name, (frame,) in found.items():
        strained[name] = []
        for scale in scales:
            copy = frame.copy()
            copy.set_cell(scale * copy.cell, scale_atoms=True)
            if not copy.pbc.any() and name != "far dimer":
                copy.positions *= scale
            strained[name].append(copy)
    strained["one frame"] = [bulk("Cu", "fcc", a=3.6)]
    strained["lone atom"] = [Atoms("Cu")]
    strained["element seen once"] = [*rattled(strained["fcc"], 0.1, seed=1), bulk("Au", "fcc", a=4.1)]
    strained["lone atom of another element"] = [*rattled(strained["fcc"], 0.1, seed=1), Atoms("Au")]
    return strained


def rattled(frames: list[Atoms], size: float = RATTLE, seed: int = 0) -> list[Atoms]:
    """Supercells with displaced atoms; a lone atom gets a neighbor."""
    random = np.random.default_rng(seed)
    moved = []
    for frame in frames:
        copy = frame.repeat(2) if frame.pbc.any() else frame.copy()
        if len(copy) == 1:
            copy += Atoms(copy.symbols, [[0.0, 0.0, 2.5]])
        copy.positions += random.normal(0.0, size, copy.positions.shape)
        moved.append(copy)
    return moved


def graphs_of(frames: list[Atoms], species: list[str], folder: Path) -> list[Graph]:
    """With labels of zero."""
    for frame in frames:
        frame.calc = SinglePointCalculator(frame, energy=0.0, forces=np.zeros((len(frame), 3)))
    ase.io.write(folder / "frames.xyz", frames, format="extxyz")
    return build_graphs(read_frames([str(folder / "frames.xyz")], LabelKeys()), species, CUTOFF)


def vectors_of(batch: Batch) -> torch.Tensor:
    """Edge vectors ``[n_edges, 3]``, angstrom, float64."""
    return edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)


def new_network(species: list[str], layers: int, charge: bool) -> Any:
    torch.manual_seed(0)
    sizes = {"n_channels": 8, "hidden": (16,), "message_channels": 4}
    settings = NetSettings(CUTOFF, message_passing_layers=layers, **sizes)
    return network_class(settings)(species, settings, charge=charge)


@pytest.mark.parametrize("layers", [pytest.param(0, id="local"), pytest.param(1, id="message passing")])
@pytest.mark.parametrize("name", structures())
def test_untrained_forces_on_displaced_atoms_are_bounded(name: str, layers: int, tmp_path: Path) -> None:
    frames = structures()[name]
    species = sorted({symbol for frame in frames for symbol in frame.symbols})
    network = new_network(species, layers, charge=True)
    fit_statistics(network, graphs_of(frames, species, tmp_path), 0, "float32")
    assert all(bool(values.isfinite().all()) for values in network.state_dict().values())
    batch = collate(graphs_of(rattled(frames), species, tmp_path))

    def charges_as_energies(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
        energy, charge = network.interaction(*arguments)
        return energy + charge / network.charge_scale, charge

    forces = predict(charges_as_energies, None, batch, torch.float32).forces
    size = float(forces.square().mean().sqrt())
    assert size < LARGEST_FORCE


@pytest.mark.parametrize("layers", [pytest.param(0, id="local"), pytest.param(1, id="message passing")])
@pytest.mark.parametrize("name", ["lone atom", "dimer"])
def test_forces_in_clusters_are_bounded(name: str, layers: int, tmp_path: Path) -> None:
    """Networks that have seen one neighbor at most, of atoms that have three, 1.6 angstrom away."""
    network = new_network(["Cu"], layers, charge=False)
    fit_statistics(network, graphs_of(structures()[name], ["Cu"], tmp_path), 0, "float32")
    cluster = Atoms("Cu4", 1.6 * np.vstack([np.zeros(3), np.eye(3)]))
    batch = collate(graphs_of([cluster], ["Cu"], tmp_path))
    forces = predict(network.interaction, None, batch, torch.float32).forces
    assert float(forces.square().mean().sqrt()) < 20.0 * LARGEST_FORCE


def water(seed: int) -> Atoms:
    """27 molecules on a grid, turned at random, with the vibrations and displacements of room temperature."""
    random = np.random.default_rng(seed)
    molecule = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
    places = 3.1 * np.indices((3, 3, 3)).reshape(3, -1).T + random.normal(0.0, 0.3, (27, 3))
    turns = np.linalg.qr(random.normal(size=(27, 3, 3)))[0]
    positions = places[:, None] + molecule @ turns + random.normal(0.0, 0.02, (27, 3, 3))
    return Atoms("OHH" * 27, positions.reshape(-1, 3), cell=9.3 * np.eye(3), pbc=True)


def test_messages_of_ordinary_densities_do_not_see_the_floors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes of everything that a network with messages normalizes, in molecules whose bonds are stiff, with the floors and without."""
    batch = collate(graphs_of([water(seed) for seed in range(3)], ["H", "O"], tmp_path))
    sizes = []
    for share in (1.0, 1e-6):
        for name in ("MESSAGE_CHANGE", "SPREAD_CHANGE"):
            monkeypatch.setattr(message_passing, name, share * getattr(message_passing, name))
        monkeypatch.setattr(statistics, "SHARED_FLOOR", share * statistics.SHARED_FLOOR)
        network = new_network(["H", "O"], 1, charge=True).double()
        network.fit_statistics(batch.species, batch.edge_index, vectors_of(batch), len(batch.species))
        sizes.append(dict(network.named_buffers()))
    for name in ("density_scale", "product_scale", "message_scale", "feature_scale"):
        torch.testing.assert_close(sizes[0][name], sizes[1][name], rtol=1e-6, atol=0.0)


def test_ordinary_densities_do_not_see_the_floors(tmp_path: Path) -> None:
    """Features of thermal disorder have unit variance: nothing but their own variance sets their scale."""
    frames = rattled([bulk("NaCl", "rocksalt", a=5.6 + 0.05 * i, cubic=True) for i in range(6)], 0.3)
    network = new_network(["Cl", "Na"], 0, charge=True).double()
    batch = collate(graphs_of(frames, ["Cl", "Na"], tmp_path))
    vectors = vectors_of(batch)
    network.fit_statistics(batch.species, batch.edge_index, vectors, len(batch.species))
    a = network.density(batch.species, batch.edge_index, vectors, len(batch.species))
    for s in range(2):
        x = network.unnormalized_features(a[:, batch.species == s], s)
        spread = ((x - network.feature_mean[s]) / network.feature_spread[s]).std(0)
        assert float((spread - 1.0).abs().max()) < 1e-6


def test_statistics_see_all_atoms_of_a_rare_element(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pair_les.training.network.STATISTICS_ATOMS", 8)
    monkeypatch.setattr("pair_les.training.network.SPECIES_ATOMS", 4)
    copper = [bulk("Cu", "fcc", a=3.6, cubic=True) for _ in range(20)]
    gold = [bulk("Cu", "fcc", a=3.7, cubic=True) for _ in range(3)]
    for frame in gold:
        frame.symbols[0] = "Au"
    graphs = graphs_of([*copper, *gold], ["Cu", "Au"], tmp_path)
    chosen = choose_frames(graphs, 2, seed=0)
    assert sum(int((graph.species == 1).sum()) for graph in chosen) == 3
    assert len(chosen) <= 2 + 3


@pytest.mark.parametrize(
    ("energies", "force", "scale"),
    [((0.0, 0.2), 0.5, 0.5), ((0.0, 0.2), 1e-15, 1.0), ((0.0, 0.0), 1e-15, 1e-3), ((0.0, 2e-3), 0.0, 0.03)],
)
def test_the_energy_scale_is_not_the_rounding_of_forces(
    energies: tuple[float, ...], force: float, scale: float, tmp_path: Path
) -> None:
    frames = [bulk("Cu", "fcc", a=3.6) for _ in energies]
    graphs = graphs_of(frames, ["Cu"], tmp_path)
    for graph, energy in zip(graphs, energies, strict=True):
        graph.energy.fill_(energy)
        graph.forces.fill_(force)
    assert data_scales(graphs)[0] == pytest.approx(scale)


def emt(frame: Atoms) -> Atoms:
    """With energy, forces and stress of effective medium theory."""
    frame.calc = EMT()
    labels = {
        "energy": frame.get_potential_energy(),
        "forces": frame.get_forces(),
        "stress": frame.get_stress(),
    }
    frame.calc = SinglePointCalculator(frame, **labels)
    return frame


def gold_in_copper(scale: float) -> Atoms:
    """L1_2 AuCu3."""
    frame = bulk("Cu", "fcc", a=3.74 * scale, cubic=True)
    frame.symbols[0] = "Au"
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("layers", [pytest.param(0, id="local"), pytest.param(1, id="message passing")])
def test_perfect_crystals_teach_bounded_forces(layers: int, tmp_path: Path) -> None:
    """Rattled copper and perfect AuCu3, charges included: forces on rattled AuCu3, which no frame has shown."""
    random = np.random.default_rng(0)
    copper = [bulk("Cu", "fcc", a=3.6 * random.uniform(0.97, 1.03), cubic=True) for _ in range(8)]
    for frame in copper:
        frame.positions += random.normal(0.0, 0.1, frame.positions.shape)
    perfect = [gold_in_copper(scale) for scale in np.linspace(0.96, 1.04, 6)]
    ase.io.write(tmp_path / "train.xyz", [emt(frame) for frame in (*copper, *perfect)], format="extxyz")
    model = {"cutoff": CUTOFF, "n_channels": 8, "hidden": [16], "message_passing_layers": layers}
    config = {
        "data": {"train": [str(tmp_path / "train.xyz")], "valid": 0.2},
        "model": {**model, "message_channels": 4},
        "training": {"epochs": 6, "batch_size": 2, "learning_rate": 0.01, "ema": 0.9, "threads": 1},
        "output": str(tmp_path / "run"),
    }
    run = train(parse_config(config, "test"))
    trained = load_trained(run)
    frames = [emt(frame) for frame in rattled([gold_in_copper(scale) for scale in (0.98, 1.0, 1.02)])]
    ase.io.write(tmp_path / "test.xyz", frames, format="extxyz")
    graphs = build_graphs(read_frames([str(tmp_path / "test.xyz")], LabelKeys()), trained.species, CUTOFF)
    batch = collate(graphs)
    forces = predict(trained.network.interaction, trained.long_range, batch, torch.float32).forces
    of_emt = float(batch.forces.square().mean().sqrt())
    assert float(forces.square().mean().sqrt()) < TRAINED_FACTOR * of_emt
    assert json.loads((run / "summary.json").read_text())["usable"]
