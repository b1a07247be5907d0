# SPDX-License-Identifier: MIT
"""Initial energies of the elements, where reference energies are not fitted to the training frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..data.graphs import Graph
from ..net import ContractNet

_ROUNDING = 1e-6
"""eV/atom: what fitted reference energies leave is the rounding of the labels."""


def start_from_mean_energies(network: ContractNet, graphs: Sequence[Graph]) -> None:
    """Add to the biases of the energies what reference energies leave on average, by least squares over compositions.

    With reference energies of isolated atoms this is the cohesive energy, some eV per atom, which training would otherwise
    have to reach step by step.

    Parameters
    ----------
    network
        Untrained.
    graphs
        Training frames, energies (eV) without reference energies.
    """
    n_species = len(network.reference_energies)
    graphs = [graph for graph in graphs if bool(graph.energy.isfinite())]
    if not graphs:
        return
    composition = torch.stack(
        [torch.bincount(graph.species, minlength=n_species) for graph in graphs]
    ).double()
    n_atoms = composition.sum(dim=1, keepdim=True)
    energies = torch.stack([graph.energy for graph in graphs]) / n_atoms[:, 0]
    mean = torch.linalg.pinv(composition / n_atoms, rtol=1e-6) @ energies
    mean = torch.where(mean.abs() < _ROUNDING, 0.0, mean)
    with torch.no_grad():
        bias = network.readout.last.bias
        bias[:, 0] += (mean / network.energy_scale.double()).to(bias)
