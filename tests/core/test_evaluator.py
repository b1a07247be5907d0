# SPDX-License-Identifier: MIT
"""The two-phase evaluator in C++ against plain torch on the same file, and its errors."""

import numpy as np
import pytest
import tolerances
import torch
from analytic_models import write_model
from other_devices import OTHER_DEVICES, start
from pair_les import load_model
from pair_les.data.neighbors import neighbor_list
from pair_les.model_file import LongRange, Metadata, save_model

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")


def graph(seed=0, n=24, box=9.0, cutoff=5.0):
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, box, (n, 3))
    cell = box * np.eye(3)
    edge_index, shifts = neighbor_list(positions, cell, [True] * 3, cutoff)
    vectors = positions[edge_index[1]] - positions[edge_index[0]] + np.asarray(shifts) @ cell
    return rng.integers(0, 2, n), np.asarray(edge_index), vectors


def reference(path, species, edge_index, vectors, n_local, potential):
    """Energies, charges and d(sum e + sum phi q)/d vectors by torch."""
    model, metadata = load_model(path)
    dtype = getattr(torch, metadata.dtype)
    edges = torch.tensor(vectors, dtype=dtype, requires_grad=True)
    output = model(torch.tensor(species), torch.tensor(edge_index), edges, n_local)
    total = output["energy"].sum()
    if metadata.long_range:
        total = total + (torch.tensor(potential, dtype=dtype) * output["charge"]).sum()
    (gradient,) = torch.autograd.grad(total, edges)
    charge = output["charge"].detach().double().numpy() if metadata.long_range else np.zeros(0)
    return output["energy"].detach().double().numpy(), charge, gradient.double().numpy()


@pytest.mark.parametrize(
    ("options", "relative"),
    [({}, 1e-13), ({"dtype": "float32"}, tolerances.FLOAT32_RELATIVE), ({"sigma": None}, 1e-13)],
    ids=["float64", "float32", "short-range"],
)
def test_both_phases_against_torch(tmp_path, options, relative):
    path = tmp_path / "model.pt"
    write_model(path, "pair", **options)
    species, edge_index, vectors = graph()
    potential = np.random.default_rng(1).normal(size=len(species))
    evaluator = core.Evaluator(str(path))
    evaluator.forward(species, edge_index, vectors, len(species))
    evaluator.backward(None if "sigma" in options else potential)
    energy, charge, gradient = reference(path, species, edge_index, vectors, len(species), potential)
    np.testing.assert_allclose(evaluator.energy, energy, rtol=relative, atol=relative)
    np.testing.assert_allclose(evaluator.charge, charge, rtol=relative, atol=relative)
    np.testing.assert_allclose(
        evaluator.edge_gradient, gradient, rtol=relative, atol=relative * np.abs(gradient).max()
    )


@pytest.mark.parametrize("tape_bytes", [0, 10**9], ids=["recomputed", "kept"])
@pytest.mark.parametrize("chunk_atoms", [1, 5, 23])
def test_chunks_of_atoms_make_no_difference(tmp_path, chunk_atoms, tape_bytes):
    """Strictly local models get their centers a part at a time; some of these have no edges."""
    path = tmp_path / "model.pt"
    write_model(path, "pair")
    species, edge_index, vectors = graph(n=40, box=14.0, cutoff=3.0)
    assert len(np.unique(edge_index[0])) < 40
    n_local = 31  # the others are ghosts
    own = edge_index[0] < n_local
    edge_index, vectors = edge_index[:, own], vectors[own]
    potential = np.random.default_rng(1).normal(size=n_local)
    results = []
    for chunk, memory in ((chunk_atoms, tape_bytes), (1000, 10**9)):
        evaluator = core.Evaluator(str(path), chunk_atoms=chunk, tape_bytes=memory)
        evaluator.forward(species, edge_index, vectors, n_local)
        evaluator.charge_gradient(potential)
        of_charge = np.array(evaluator.edge_gradient)
        evaluator.backward(potential)
        results.append([evaluator.energy, evaluator.charge, of_charge, evaluator.edge_gradient])
    for mine, whole in zip(*results, strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-13, atol=1e-13)


def test_backward_is_linear_in_the_potential_and_uses_it(tmp_path):
    path = tmp_path / "model.pt"
    write_model(path, "pair")
    species, edge_index, vectors = graph()
    evaluator = core.Evaluator(str(path))
    gradients = []
    for scale in (0.0, 1.0, 2.0):
        evaluator.forward(species, edge_index, vectors, len(species))
        evaluator.backward(scale * np.linspace(-1, 1, len(species)))
        gradients.append(evaluator.edge_gradient)
    assert np.abs(gradients[1] - gradients[0]).max() > 1e-3
    np.testing.assert_allclose(gradients[2] - gradients[1], gradients[1] - gradients[0], atol=1e-12)


def test_empty_ranks_and_lonely_atoms(tmp_path):
    path = tmp_path / "model.pt"
    write_model(path, "pair")
    evaluator = core.Evaluator(str(path))
    no_edges = np.zeros((2, 0), int), np.zeros((0, 3))
    evaluator.forward(np.zeros(0, int), *no_edges, 0)
    evaluator.backward(np.zeros(0))
    assert (
        evaluator.energy.size == 0 and evaluator.charge.size == 0 and evaluator.edge_gradient.shape == (0, 3)
    )
    evaluator.forward(np.array([0, 1]), *no_edges, 1)
    evaluator.backward(np.ones(1))
    assert evaluator.energy.shape == (1,) and evaluator.charge[0] == 1.0
    evaluator.forward(*graph()[:2], graph()[2], 24)  # and work again after it
    evaluator.backward(np.ones(24))
    assert np.abs(evaluator.edge_gradient).max() > 0


def test_torch_exception_is_one_line(tmp_path):
    path = tmp_path / "model.pt"
    write_model(path, "raising", max_edges=3)
    species, edge_index, vectors = graph()
    evaluator = core.Evaluator(str(path))
    with pytest.raises(RuntimeError, match=r"model.pt': forward pass failed: .*RuntimeError") as caught:
        evaluator.forward(species, edge_index, vectors, len(species))
    assert "\n" not in str(caught.value)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(RuntimeError, match="cannot open model file"):
        core.Evaluator(str(tmp_path / "none.pt"))
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(RuntimeError, match="is not a readable TorchScript archive"):
        core.Evaluator(str(tmp_path / "text.pt"))
    write_model(tmp_path / "good.pt", "pair")
    whole = (tmp_path / "good.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RuntimeError, match="is not a readable TorchScript archive") as caught:
        core.Evaluator(str(tmp_path / "cut.pt"))
    assert "\n" not in str(caught.value)


class WrongOutput(torch.nn.Module):
    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ):
        return {"energy": torch.zeros(n_local + 1, dtype=torch.float64)}


def test_model_that_breaks_its_promise(tmp_path):
    good = tmp_path / "good.pt"
    write_model(good, "pair", sigma=None)
    extra = {"metadata.json": ""}
    torch.jit.load(str(good), _extra_files=extra)
    bad = tmp_path / "bad.pt"
    torch.jit.save(torch.jit.script(WrongOutput()), str(bad), _extra_files=extra)
    species, edge_index, vectors = graph()
    with pytest.raises(RuntimeError, match=r"'energy' as .*25.* but must return .*24"):
        core.Evaluator(str(bad)).forward(species, edge_index, vectors, len(species))
    torch.jit.save(torch.jit.script(WrongOutput()), str(bad))
    with pytest.raises(RuntimeError, match="carries no metadata.json"):
        core.Evaluator(str(bad))


class EveryOutput(torch.nn.Module):
    """All that a network may return, of every input, without a tensor of its own."""

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        kind = species.to(edge_vectors.dtype)
        f = torch.exp(-edge_vectors.square().sum(1)) * (1.0 + torch.index_select(kind, 0, edge_index[1]))
        density = torch.zeros_like(kind[:n_local]).index_add(0, edge_index[0], f)
        outputs = {"energy": density * density + kind[:n_local], "charge": density.sin()}
        outputs["electronegativity"] = density.cos()
        outputs["hardness"] = density + 20.0
        return outputs


def on_device(path, device, potential):
    """Everything that comes back from the evaluator on a device."""
    species, edge_index, vectors = graph()
    n = len(species)
    evaluator = core.Evaluator(str(path), chunk_atoms=7, device=device)
    results = []
    for _ in range(2):
        evaluator.forward(species, edge_index, vectors, n)
        results += [evaluator.energy, evaluator.charge, evaluator.electronegativity, evaluator.hardness]
        if len(evaluator.charge):
            evaluator.charge_gradient(potential)
            results.append(evaluator.edge_gradient)
        evaluator.backward(potential)
        results.append(evaluator.edge_gradient)
    return results


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("charge_model", ["latent", "equilibration"])
@OTHER_DEVICES
def test_another_device_than_the_cpu(tmp_path, device, charge_model, dtype):
    """torch's lazy device computes on the CPU, but refuses tensors that have not been moved to it."""
    start(device)
    equilibrates = charge_model == "equilibration"
    long_range = LongRange(1.0, charge_model=charge_model, neutralize=equilibrates)
    metadata = Metadata(("Na", "Cl"), 5.0, dtype=dtype, long_range=long_range)
    save_model(tmp_path / "model.pt", torch.jit.script(EveryOutput()), metadata)
    potential = np.random.default_rng(1).normal(size=24)
    expected, found = (on_device(tmp_path / "model.pt", name, potential) for name in ("cpu", device))
    relative = 1e-13 if dtype == "float64" else tolerances.FLOAT32_RELATIVE
    assert len(expected) == 10 if equilibrates else 12
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=relative, atol=relative * np.abs(a).max(initial=1.0))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch has a GPU")
def test_no_gpu(tmp_path):
    write_model(tmp_path / "model.pt", "pair")
    expected = "device is cuda, but torch .* was built without GPU support or finds no GPU; install .* or use device 'cpu'"
    with pytest.raises(RuntimeError, match=expected):
        core.Evaluator(str(tmp_path / "model.pt"), device="cuda")


def test_gpus_are_given_out_in_turn():
    assert [core.gpu_index("cuda", rank, 3) for rank in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [core.gpu_index("cuda:2", rank, 3) for rank in range(4)] == [2, 2, 2, 2]
    with pytest.raises(
        RuntimeError, match="device is cuda:3, but torch sees 3 .* the last of which is cuda:2; see"
    ):
        core.gpu_index("cuda:3", 0, 3)
