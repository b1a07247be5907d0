# SPDX-License-Identifier: MIT
"""The evaluator on arrays of its device, as pair_style les/kk uses it, against itself on graphs of the host; on a CPU."""

import numpy as np
import pytest
import torch
from analytic_models import write_model
from pair_les.data.neighbors import neighbor_list
from pair_les.model_file import LongRange, Metadata, save_model

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")


def graph(n=40, n_local=31, box=12.0, cutoff=5.0, seed=0):
    """Species, and edges of the first `n_local` atoms."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, box, (n, 3))
    edge_index, shifts = neighbor_list(positions, box * np.eye(3), [True] * 3, cutoff)
    vectors = positions[edge_index[1]] - positions[edge_index[0]] + box * np.asarray(shifts)
    own = edge_index[0] < n_local
    edge_index = np.asarray(edge_index)[:, own]
    return rng.integers(0, 2, n), edge_index, vectors[own]


@pytest.mark.parametrize("spare", [0, 17])
@pytest.mark.parametrize("chunk_atoms", [7, 1000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_against_a_graph_of_the_host(tmp_path, dtype, chunk_atoms, spare):
    """`spare` elements follow each row of the edge index, as in an array that is longer than needed."""
    path = tmp_path / "model.pt"
    write_model(path, "pair", dtype=dtype)
    species, edge_index, vectors = graph()
    potential = np.random.default_rng(1).normal(size=31)
    host = core.Evaluator(str(path), chunk_atoms=chunk_atoms)
    host.forward(species, edge_index, vectors, 31)
    host.backward(potential)

    padded = np.concatenate([edge_index, np.full((2, spare), -1)], axis=1)
    arrays = core.ArrayEvaluator(str(path), chunk_atoms=chunk_atoms)
    for _ in range(2):  # the second time with arrays that other numbers have been in
        arrays.forward(species, padded, vectors, 31)
        np.testing.assert_array_equal(arrays.energy, host.energy)
        np.testing.assert_array_equal(arrays.charge, host.charge)
        np.testing.assert_array_equal(arrays.backward(potential), host.edge_gradient)


class Flat(torch.nn.Module):
    """Looks at the edge index as one row of numbers, which needs a contiguous tensor."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        center = edge_index.view(-1)[: edge_index.size(1)]
        squares = edge_vectors.view(-1).square().view(-1, 3).sum(1)
        energy = torch.zeros(n_local, dtype=squares.dtype).index_add(0, center, squares)
        return {"energy": energy + 0.0 * species.view(-1)[:n_local], "charge": 0.01 * energy}


def test_networks_get_contiguous_tensors(tmp_path):
    """Also where the rows of the edge index are longer than needed, and chunk by chunk."""
    path = tmp_path / "model.pt"
    save_model(path, torch.jit.script(Flat()), Metadata(["Na", "Cl"], 5.0, long_range=LongRange(1.0)))
    species, edge_index, vectors = graph()
    expected = np.bincount(edge_index[0], (vectors**2).sum(1), 31)
    padded = np.concatenate([edge_index, np.full((2, 9), -1)], axis=1)
    for chunk_atoms in (7, 1000):
        arrays = core.ArrayEvaluator(str(path), chunk_atoms=chunk_atoms)
        arrays.forward(species, padded, vectors, 31)
        np.testing.assert_allclose(arrays.energy, expected)
        host = core.Evaluator(str(path), chunk_atoms=chunk_atoms)
        host.forward(species, edge_index, vectors, 31)
        np.testing.assert_allclose(host.energy, expected)


@pytest.mark.parametrize("chunk_atoms", [7, 1000])
def test_both_kinds_of_graphs_in_turn(tmp_path, chunk_atoms):
    """One network serves the steps of les/kk, on its arrays, and its computes, on graphs of the host."""
    path = tmp_path / "model.pt"
    write_model(path, "pair", dtype="float32")
    species, edge_index, vectors = graph()
    potential = np.random.default_rng(1).normal(size=31)
    evaluator = core.ArrayEvaluator(str(path), chunk_atoms=chunk_atoms)
    for _ in range(2):
        evaluator.forward(species, edge_index, vectors, 31)
        energy, gradient = evaluator.energy, evaluator.backward(potential)
        on_host = evaluator.evaluate_on_host(species, edge_index, vectors, 31, potential)
        np.testing.assert_array_equal(on_host[0], energy)
        np.testing.assert_array_equal(np.reshape(on_host[1], (-1, 3)), gradient)


def test_nothing_that_depends_on_edges(tmp_path):
    """A rank without atoms, an atom without edges: zero gradients, and work again after it."""
    path = tmp_path / "model.pt"
    write_model(path, "pair")
    arrays = core.ArrayEvaluator(str(path))
    empty = np.zeros((2, 0), int), np.zeros((0, 3))
    arrays.forward(np.zeros(0, int), *empty, 0)
    assert arrays.backward(np.zeros(0)).shape == (0, 3)
    arrays.forward(np.array([0, 1]), *empty, 1)
    assert arrays.backward(np.ones(1)).shape == (0, 3)
    species, edge_index, vectors = graph()
    arrays.forward(species, edge_index, vectors, 31)
    assert np.abs(arrays.backward(np.ones(31))).max() > 0


class Greedy(torch.nn.Module):
    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        return {"energy": torch.empty([1 << 55], dtype=torch.float64)}


def test_out_of_memory_is_one_line(tmp_path):
    path = tmp_path / "greedy.pt"
    save_model(path, torch.jit.script(Greedy()), Metadata(("Na", "Cl"), 5.0, long_range=None))
    species, edge_index, vectors = graph()
    with pytest.raises(RuntimeError, match="greedy.pt': forward pass failed: .*memory") as caught:
        core.ArrayEvaluator(str(path)).forward(species, edge_index, vectors, 31)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch has a GPU")
def test_no_gpu(tmp_path):
    write_model(tmp_path / "model.pt", "pair")
    with pytest.raises(
        RuntimeError, match="device is cuda, but torch .* without GPU support or finds no GPU"
    ):
        core.ArrayEvaluator(str(tmp_path / "model.pt"), device="cuda")


def test_lengths_of_arrays_settle():
    """Few lengths, each long enough; they grow by less than an eighth too much and shrink only from four times."""
    present, lengths = 0, set()
    for needed in [0, 1, 64, 65, 1000, 1001, *range(1000, 1200), 990, 400, 300]:
        present = core.capacity_for(needed, present)
        assert present >= needed
        lengths.add(present)
    assert len(lengths) <= 6
    assert all(core.capacity_for(n, 0) < 1.125 * n + 8 for n in range(64, 5000))
    assert core.capacity_for(100, core.capacity_for(300, 0)) == core.capacity_for(300, 0)
    assert core.capacity_for(100, 100_000) == core.capacity_for(100, 0)
    assert core.capacity_for(3 * 10**9, 0) >= 3 * 10**9, "more than an int holds"
