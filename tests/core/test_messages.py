# SPDX-License-Identifier: MIT
"""Networks cut at their layers in the C++ evaluator: the same numbers as their plain forward with all its edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tolerances
import torch
from message_models import write_layers
from other_devices import OTHER_DEVICES, start
from pair_les import load_model
from pair_les.data.neighbors import neighbor_list
from pair_les.model_file import LongRange, Metadata, save_model
from pair_les.net import NetSettings, network_class
from pair_les.net.committee import committee_of

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

SETTINGS = NetSettings(cutoff=3.5, n_radial=4, l_max=2, n_channels=4, hidden=(8,), message_passing_layers=1)


def periodic_graph(n=30, box=8.0, cutoff=3.5, seed=3):
    """Species, edges of a periodic box, and the same box as LAMMPS has it: edges of local atoms to ghosts, their images."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, box, (n, 3))
    cell = box * np.eye(3)
    edge_index, shifts = neighbor_list(positions, cell, [True] * 3, cutoff)
    edge_index, shifts = np.asarray(edge_index), np.asarray(shifts)
    vectors = positions[edge_index[1]] - positions[edge_index[0]] + shifts @ cell
    ghosts: dict[tuple[int, ...], int] = {}
    neighbor = edge_index[1].copy()
    for e, (j, shift) in enumerate(zip(edge_index[1], shifts, strict=True)):
        if shift.any():
            neighbor[e] = ghosts.setdefault((int(j), *map(int, shift)), n + len(ghosts))
    images = [key[0] for key in ghosts]
    assert images
    species = rng.integers(0, 2, n)
    with_ghosts = (np.concatenate([species, species[images]]), np.stack([edge_index[0], neighbor]))
    return species, edge_index, vectors, with_ghosts, images


def write_network(path: Path, dtype: str = "float64", members: int = 1, charge: bool = True) -> None:
    torch.manual_seed(4)
    nets = []
    for _ in range(members):
        net = network_class(SETTINGS)(["Na", "Cl"], SETTINGS, charge=charge).to(getattr(torch, dtype))
        with torch.no_grad():  # a new network starts flat
            net.readout.last.weight.normal_(0.0, 0.3)
        nets.append(net)
    whole = nets[0] if members == 1 else committee_of(nets)
    metadata = Metadata(
        ("Na", "Cl"),
        3.5,
        1,
        dtype,
        LongRange(1.0) if charge else None,
        committee=members,
        message_features=whole.message_features(),
    )
    save_model(path, torch.jit.script(whole), metadata)


WRITERS = {
    "one layer": lambda path: write_layers(path, 1),
    "two layers": lambda path: write_layers(path, 2),
    "three layers, no charges": lambda path: write_layers(path, 3, charged=False),
    "our network": write_network,
    "our network, no charges": lambda path: write_network(path, charge=False),
}


def both(path, chunk_atoms, potential, box=8.0, tape_bytes=10**9):
    """Energies, charges, gradients by the evaluator with messages exchanged, and by torch in one graph."""
    species, edge_index, vectors, with_ghosts, images = periodic_graph(box=box)
    n = len(species)
    evaluator = core.Evaluator(str(path), chunk_atoms=chunk_atoms, tape_bytes=tape_bytes)
    evaluator.forward(*with_ghosts, vectors, n, core.ImageExchange(n, images))
    charged = evaluator.metadata.long_range is not None
    of_charge = np.zeros(vectors.shape)
    if charged:
        evaluator.charge_gradient(potential)
        of_charge = np.array(evaluator.edge_gradient)
    evaluator.backward(potential if charged else None)
    found = [evaluator.energy, evaluator.charge, of_charge, evaluator.edge_gradient]

    model, metadata = load_model(path)
    edges = torch.tensor(vectors, dtype=getattr(torch, metadata.dtype), requires_grad=True)
    output = model(torch.tensor(species), torch.tensor(edge_index), edges, n)
    energy = output["energy"].sum()
    expected = [output["energy"].detach().double().numpy(), np.zeros(0), np.zeros(vectors.shape), None]
    if charged:
        total = (torch.tensor(potential, dtype=edges.dtype) * output["charge"]).sum()
        expected[1] = output["charge"].detach().double().numpy()
        expected[2] = torch.autograd.grad(total, edges, retain_graph=True)[0].double().numpy()
        energy = energy + total
    expected[3] = torch.autograd.grad(energy, edges)[0].double().numpy()
    return found, expected


@pytest.mark.parametrize("tape_bytes", [0, 10**9], ids=["recomputed", "kept"])
@pytest.mark.parametrize("chunk_atoms", [4, 1024])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_layer_by_layer_is_the_whole_network(tmp_path, writer, chunk_atoms, tape_bytes):
    writer(tmp_path / "model.pt")
    potential = np.random.default_rng(1).normal(size=30)
    found, expected = both(tmp_path / "model.pt", chunk_atoms, potential, tape_bytes=tape_bytes)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


def test_atoms_that_are_their_own_neighbors(tmp_path):
    """A box smaller than the cutoff: an atom sends messages to itself, through its images."""
    write_layers(tmp_path / "model.pt", 2)
    found, expected = both(tmp_path / "model.pt", 7, np.random.default_rng(1).normal(size=30), box=3.0)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-10)


@OTHER_DEVICES
@pytest.mark.parametrize("chunk_atoms", [4, 1024])
def test_messages_are_exchanged_on_the_host_whatever_the_device(tmp_path, device, chunk_atoms):
    start(device)
    write_layers(tmp_path / "model.pt", 2)
    species, _, vectors, with_ghosts, images = periodic_graph()
    results = []
    for name in ("cpu", device):
        evaluator = core.Evaluator(str(tmp_path / "model.pt"), chunk_atoms=chunk_atoms, device=name)
        evaluator.forward(*with_ghosts, vectors, len(species), core.ImageExchange(len(species), images))
        evaluator.backward(np.linspace(-1.0, 1.0, len(species)))
        results.append([evaluator.energy, evaluator.charge, evaluator.edge_gradient])
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


def test_single_precision(tmp_path):
    write_network(tmp_path / "model.pt", "float32")
    found, expected = both(tmp_path / "model.pt", 8, np.random.default_rng(1).normal(size=30))
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=tolerances.FLOAT32_RELATIVE * np.abs(theirs).max())


def test_committee(tmp_path):
    """Each network of a committee sends messages of its own."""
    write_network(tmp_path / "model.pt", members=3)
    found, expected = both(tmp_path / "model.pt", 8, np.random.default_rng(1).normal(size=30))
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


def test_no_atoms_and_no_edges(tmp_path):
    write_layers(tmp_path / "model.pt", 2)
    evaluator = core.Evaluator(str(tmp_path / "model.pt"))
    for n_local, species in ((0, []), (0, [1, 0]), (2, [0, 1])):
        exchange = core.ImageExchange(n_local, [0] * (len(species) - n_local) if n_local else [])
        evaluator.forward(species, np.zeros((2, 0)), np.zeros((0, 3)), n_local, exchange)
        evaluator.backward(np.zeros(n_local))
        assert len(evaluator.energy) == n_local
        assert evaluator.edge_gradient.shape == (0, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"failing": "send"}, "forward pass failed.*this layer cannot send"),
        ({"failing": "finish"}, "forward pass failed.*this layer cannot finish"),
        ({"failing": "send backward"}, "backward pass failed"),
        ({"narrow": True}, r"send returned messages as Double\[7, 1\] but must return Double\[7, 2\]"),
    ],
)
def test_failures_have_one_line(tmp_path, options, message):
    write_layers(tmp_path / "model.pt", **options)
    with pytest.raises(RuntimeError, match=message) as caught:
        both(tmp_path / "model.pt", 8, np.zeros(30))
    assert "\n" not in str(caught.value)


def without_methods(path: Path) -> None:
    write_layers(path, cut=False, edit_metadata=lambda metadata: metadata.update(message_features=[2]))


def test_file_that_announces_what_it_has_not(tmp_path):
    without_methods(tmp_path / "model.pt")
    with pytest.raises(
        RuntimeError, match=r"send must take \(layer, species, .*see docs/reference/model_file.md"
    ):
        core.Evaluator(str(tmp_path / "model.pt"))


@pytest.mark.parametrize("features", [[], [2, 2], [0], [2.5], 2, None])
def test_bad_widths(tmp_path, features):
    """Both readers of the metadata say what the key must be."""
    write_layers(tmp_path / "model.pt", edit_metadata=lambda m: m.update(message_features=features))
    rule = "'message_features' is .* must be a list of as many integers > 0 as message_passing_layers, which is 1"
    with pytest.raises(RuntimeError, match=rule):
        core.Evaluator(str(tmp_path / "model.pt"))
    with pytest.raises(ValueError, match=rule):
        load_model(tmp_path / "model.pt")
