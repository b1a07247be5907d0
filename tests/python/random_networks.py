# SPDX-License-Identifier: MIT
"""Networks of random weights, and random clusters of atoms with their edges."""

from __future__ import annotations

import numpy as np
import torch
from pair_les.net import ContractNet, NetSettings, network_class

CUTOFF = 3.0
REFERENCES = {"O": -430.0, "H": -13.0}


def make_network(charge: bool = True, dtype: torch.dtype = torch.float64, **settings) -> ContractNet:
    """A random network whose outputs are of order 1, with statistics of a random cluster."""
    torch.manual_seed(0)
    small = {"cutoff": CUTOFF, "n_radial": 4, "n_channels": 6, "hidden": (8, 8), "message_channels": 4}
    chosen = NetSettings(**{**small, **settings})
    net = network_class(chosen)(["O", "H"], chosen, charge=charge, reference_energies=REFERENCES).double()
    with torch.no_grad():
        net.readout.last.weight.mul_(10.0)
    positions, species = cluster(60, seed=9)
    net.fit_statistics(species, *edges(positions), len(species))
    return net.to(dtype)


def cluster(n: int = 20, seed: int = 0) -> tuple[np.ndarray, torch.Tensor]:
    """Positions, at least 0.8 A apart, about 8 neighbors each; species."""
    rng = np.random.default_rng(seed)
    side = (n * 12.0) ** (1.0 / 3.0)
    positions: list[np.ndarray] = []
    while len(positions) < n:
        trial = rng.uniform(0.0, side, 3)
        if all(np.linalg.norm(trial - other) > 0.8 for other in positions):
            positions.append(trial)
    return np.array(positions), torch.tensor(rng.integers(0, 2, n))


def edges(positions: np.ndarray, cutoff: float = CUTOFF) -> tuple[torch.Tensor, torch.Tensor]:
    """``edge_index``, ``edge_vectors`` of an isolated cluster, by all distances."""
    vectors = positions[None, :, :] - positions[:, None, :]
    distance = np.linalg.norm(vectors, axis=2)
    i, j = np.nonzero((distance < cutoff) & ~np.eye(len(positions), dtype=bool))
    return torch.tensor(np.stack([i, j])), torch.tensor(vectors[i, j])
