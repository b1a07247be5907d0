# SPDX-License-Identifier: MIT
"""The memory that a network takes for its backward pass is bounded, whatever the number of atoms."""

import ctypes
import os

import numpy as np
import pytest
import torch
from pair_les.model_file import Metadata, save_model

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

WIDTH = 2048  # numbers of each edge
N_ATOMS, N_NEIGHBORS = 3000, 20


class WideNetwork(torch.nn.Module):
    """Sum over edges of the mean of (k r)^2 over WIDTH numbers k: 16 kB per edge on the tape."""

    def __init__(self):
        super().__init__()
        self.register_buffer("k", torch.linspace(0.1, 2.0, WIDTH, dtype=torch.float64))

    def forward(
        self, species: torch.Tensor, edge_index: torch.Tensor, edge_vectors: torch.Tensor, n_local: int
    ) -> dict[str, torch.Tensor]:
        distance = edge_vectors.square().sum(1).sqrt()
        energy = torch.zeros(n_local, dtype=edge_vectors.dtype)
        for k in self.k.chunk(16):
            energy = energy.index_add(0, edge_index[0], (distance.unsqueeze(1) * k).square().sum(1))
        return {"energy": energy / self.k.size(0)}


def memory(key: str) -> float:
    """Memory of this process in GB: VmRSS, the present one, or VmHWM, the largest since `reset_peak`."""
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith(key)]
    return 1024e-9 * int(line.split()[1])


def reset_peak() -> None:
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "wide.pt"
    save_model(path, torch.jit.script(WideNetwork()), Metadata(species=["Na"], cutoff=5.0, dtype="float64"))
    return path


def graph():
    rng = np.random.default_rng(2)
    centers = np.repeat(np.arange(N_ATOMS), N_NEIGHBORS)
    neighbors = rng.integers(0, N_ATOMS, len(centers))
    return np.zeros(N_ATOMS, int), np.array([centers, neighbors]), rng.normal(size=(len(centers), 3))


def evaluated(model, tape_bytes):
    """Energies, gradient and the largest memory in GB."""
    reset_peak()
    evaluator = core.Evaluator(str(model), tape_bytes=tape_bytes)
    evaluator.forward(*graph(), N_ATOMS)
    evaluator.backward(None)
    return evaluator.energy, evaluator.edge_gradient, memory("VmHWM")


@pytest.mark.slow
@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""), reason="the address sanitizer keeps freed memory"
)
def test_memory_is_bounded_and_results_are_the_same(model):
    """The tape of 3000 atoms takes 1 GB; none of it is kept, then less than half, then all."""
    vectors = graph()[2]
    k_squared = np.linspace(0.1, 2.0, WIDTH) ** 2
    energy = np.sum(np.reshape(np.sum(vectors**2, axis=1), (N_ATOMS, N_NEIGHBORS)), axis=1) * k_squared.mean()
    gradient = 2.0 * k_squared.mean() * vectors
    ctypes.CDLL(None).malloc_trim(0)  # what other tests have left would be used first
    before = memory("VmRSS")
    growth = []
    for tape_bytes in (0, 4 * 10**8, 10**11):
        found_energy, found_gradient, peak = evaluated(model, tape_bytes)
        growth.append(peak - before)
        np.testing.assert_allclose(found_energy, energy, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found_gradient, gradient, rtol=1e-12, atol=1e-12)
    assert growth[0] < 0.6 and growth[1] < 1.0 and growth[2] > 1.0, growth
