# SPDX-License-Identifier: MIT
"""Two-phase evaluation in a few lines of torch. It exists as an independent reference for tests.

The package differentiates one expression of the whole energy. Here the charges are cut from the network: a forward pass, the
potentials ``phi_i = dE_lr/dq_i`` at fixed charges, and a backward pass of ``sum e + sum phi q``, the algorithm of LAMMPS and of the
C++ core (docs/theory/forces.md). Nothing of `pair_les.evaluation` is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from pair_les import Metadata, long_range_energy, neighbor_list
from torch import Tensor


@dataclass(frozen=True)
class TwoPhase:
    """Energy [], eV, without reference energies; forces [N, 3], eV/angstrom; strain derivative [3, 3], eV; potentials [N], eV/e."""

    energy: Tensor
    forces: Tensor
    strain_derivative: Tensor
    potential: Tensor


def evaluate_in_two_phases(
    module: torch.nn.Module,
    metadata: Metadata,
    species: Tensor,
    positions: Tensor,
    cell: Tensor,
    periodic: bool,
    total_charge: float | None = None,
) -> TwoPhase:
    """Evaluate a model with charges of its own for species [N], positions [N, 3] and cell [3, 3] (angstrom, float64)."""
    assert metadata.long_range is not None and not metadata.long_range.equilibrates
    edge_index, shifts = neighbor_list(positions.numpy(), cell.numpy(), periodic, metadata.cutoff)
    edges = torch.from_numpy(edge_index)
    vectors = positions[edges[1]] - positions[edges[0]] + torch.from_numpy(shifts).double() @ cell
    rounded = vectors.to(getattr(torch, metadata.dtype)).clone().requires_grad_()
    output = module(species, edges, rounded, len(species))

    q = output["charge"].detach().double().requires_grad_()
    x, strain = positions.clone().requires_grad_(), torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    total = 0.0 if total_charge is None and metadata.long_range.neutralize else total_charge
    projected = q if total is None else q - (q.sum() - total) / len(q)
    deformation = torch.eye(3, dtype=torch.float64) + strain
    settings = replace(metadata.long_range, neutralize=False)
    frame = torch.zeros(len(q), dtype=torch.int64)
    long_range = long_range_energy(
        x @ deformation, projected, (cell @ deformation)[None], torch.tensor([periodic]), frame, settings
    ).sum()
    by_position, by_strain, potential = torch.autograd.grad(
        long_range, [x, strain, q], allow_unused=True, materialize_grads=True
    )

    objective = output["energy"].sum() + (potential.to(rounded.dtype) * output["charge"]).sum()
    by_edge = torch.autograd.grad(objective, rounded)[0].double()
    forces = (-by_position).index_add(0, edges[0], by_edge).index_add(0, edges[1], -by_edge)
    strained = by_strain + vectors.T @ by_edge
    energy = output["energy"].detach().double().sum() + long_range.detach()
    return TwoPhase(energy, forces, 0.5 * (strained + strained.T), potential)
