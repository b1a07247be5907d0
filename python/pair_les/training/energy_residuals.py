# SPDX-License-Identifier: MIT
"""What a network misses of the labels: residual energies and forces, and their mean per element."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from ..data.batches import collate
from ..data.graphs import Graph
from ..evaluation.prediction import predict
from ..model_file.metadata import LongRange
from ..net import ContractNet

RESIDUAL_FRAMES = 200
"""Frames whose mean energies are compared: enough for a few elements."""


def subtract_predictions(
    network: ContractNet,
    long_range: LongRange | None,
    graphs: Iterable[Graph],
    dtype: torch.dtype,
    condition_on_charge: bool,
) -> list[Graph]:
    """The same frames with energies and forces minus those of a network; arguments as `predict`."""
    found = []
    for graph in graphs:
        prediction = predict(
            network.interaction,
            long_range,
            collate([graph]),
            dtype,
            condition_on_charge=condition_on_charge,
        )
        found.append(
            replace(
                graph, energy=graph.energy - prediction.energy[0], forces=graph.forces - prediction.forces
            )
        )
    return found


def mean_residuals(
    network: ContractNet,
    long_range: LongRange | None,
    graphs: Sequence[Graph],
    dtype: torch.dtype,
    condition_on_charge: bool,
    fitted: Sequence[bool] | None,
) -> tuple[float, list[float]]:
    """Mean energy that a network misses, eV/atom, and the energy of each species that makes up for it, eV.

    Energies of the species are by least squares over compositions; where these do not determine them, the smallest.

    Parameters
    ----------
    network, long_range, graphs, dtype, condition_on_charge
        As `predict`.
    fitted
        For each species whether it has an energy; others have 0. None: all have.
    """
    n_species = network.n_species
    columns = [s for s in range(n_species) if fitted is None or fitted[s]]
    wanted = torch.tensor(columns)
    labeled = [g for g in graphs if bool(g.energy.isfinite())]
    telling = [g for g in labeled if not columns or bool(torch.isin(g.species, wanted).any())]
    if not telling:
        return 0.0, [0.0] * n_species
    chosen = telling[:: max(1, -(-len(telling) // RESIDUAL_FRAMES))]
    residuals = subtract_predictions(network, long_range, chosen, dtype, condition_on_charge)
    n_atoms = torch.tensor([float(graph.n_atoms) for graph in residuals], dtype=torch.float64)
    energies = torch.stack([graph.energy for graph in residuals]) / n_atoms
    counts = torch.stack([torch.bincount(graph.species, minlength=n_species) for graph in residuals])
    shifts = torch.zeros(n_species, dtype=torch.float64)
    if columns:
        composition = counts[:, columns].double() / n_atoms[:, None]
        shifts[columns] = torch.linalg.pinv(composition, rtol=1e-6) @ energies
    left = energies - counts.double() @ shifts / n_atoms
    return float(left.mean()), shifts.tolist()


def shift_references(graphs: Iterable[Graph], shifts: Sequence[float]) -> list[Graph]:
    """The same frames with other reference energies: `shifts` are added to those of each species, eV."""
    values = torch.tensor(shifts, dtype=torch.float64)
    moved = []
    for graph in graphs:
        shift = values[graph.species].sum()
        moved.append(replace(graph, energy=graph.energy - shift, reference=graph.reference + shift))
    return moved
