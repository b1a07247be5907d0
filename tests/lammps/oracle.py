# SPDX-License-Identifier: MIT
"""What LAMMPS must compute, written down a second time with nothing shared.

The energy is one differentiable float64 function of positions and strain: edges by brute force over periodic images,
the model file called as plain TorchScript, the long-range energy as a direct sum over reciprocal vectors
(docs/theory/long_range.md, "Energy"). Forces and virial are its derivatives by autograd, so there is no chain rule,
no Ewald splitting, no background and no two-phase evaluation here that could be wrong in the same way as in the
package.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harness import Evaluation
from systems import System

# exp(-sigma^2 k^2 / 2) of the first vector left out; the sum is converged to rounding
TRUNCATION = 1e-18


@dataclass(frozen=True)
class Reference(Evaluation):
    """An `Evaluation` with what only the oracle knows: `potential` [n], dE_lr/dq_i in V."""

    potential: np.ndarray


def evaluate(
    model: Path | str, system: System, slab: bool = False, total_charge: float | None = None
) -> Reference:
    """Charges, energy, forces, virial and potential of a periodic system.

    Parameters
    ----------
    model
        A model file of contract version 1 or 2, strictly local.
    system
        Atoms and cell; units eV, angstrom, e throughout.
    slab
        Whether the cell repeats in x and y only: its z edge is then mostly vacuum, and the field between the images of
        the dipole is taken back (Yeh & Berkowitz 1999). For models whose charges add up to zero.
    total_charge
        e, the sum that the charges are shifted to; None: as the model says.
    """
    extra = {"metadata.json": ""}
    module = torch.jit.load(str(model), _extra_files=extra)
    metadata = json.loads(extra["metadata.json"])
    dtype = getattr(torch, metadata["dtype"])

    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3, dtype=torch.float64) + strain
    rest = torch.tensor(system.positions, dtype=torch.float64, requires_grad=True)
    positions = rest @ deformation
    cell = torch.tensor(system.cell, dtype=torch.float64) @ deformation

    centers, neighbors, images = neighbor_images(system, metadata["cutoff"])
    edge_vectors = positions[neighbors] + images @ cell - positions[centers]
    species = torch.tensor([metadata["species"].index(symbol) for symbol in system.symbols])
    with torch.jit.optimized_execution(False):
        output = module(species, torch.stack([centers, neighbors]), edge_vectors.to(dtype), len(system))
    references = metadata.get("reference_energies") or {}
    energy = output["energy"].double().sum() + sum(references.get(symbol, 0.0) for symbol in system.symbols)

    charges = torch.zeros(len(system), dtype=torch.float64)
    potential = torch.zeros_like(charges)
    if (metadata["long_range"] or {}).pop("charge_model", "latent") == "equilibration":
        # the sum is fixed by the constraint, and a dense solve is differentiated like everything else
        metadata["long_range"]["neutralize"] = False
        chi, eta = output["electronegativity"].double(), output["hardness"].double()
        charges = equilibrium(positions, cell, chi, eta, total_charge or 0.0, metadata["long_range"])
        long_range = long_range_energy(positions, cell, charges, **metadata["long_range"])
        (potential,) = torch.autograd.grad(long_range, charges, retain_graph=True)
        potential = potential - potential.mean()
        energy = energy + long_range + (chi * charges + 0.5 * eta * charges**2).sum()
    elif metadata["long_range"] is not None:
        charges = output["charge"].double()
        charges = charges if charges.requires_grad else charges.clone().requires_grad_()
        interacting = charges
        if total_charge is not None:
            interacting = charges - charges.mean() + total_charge / len(system)
            metadata["long_range"]["neutralize"] = False
        long_range = long_range_energy(positions, cell, interacting, **metadata["long_range"])
        if slab:
            dipole = ((charges - charges.mean()) * positions[:, 2]).sum()
            factor = 2.0 * math.pi * metadata["long_range"]["coulomb_constant"] / torch.linalg.det(cell)
            long_range = long_range + factor * dipole**2
        (potential,) = torch.autograd.grad(long_range, charges, retain_graph=True)
        energy = energy + long_range
        if metadata["long_range"]["neutralize"]:
            charges = charges - charges.mean()  # what LAMMPS holds in atom->q
        if total_charge is not None:
            charges = interacting

    if energy.requires_grad:
        gradient, strain_gradient = torch.autograd.grad(energy, [rest, strain], allow_unused=True)
    else:  # a lonely atom: nothing depends on where it is
        gradient, strain_gradient = None, None
    gradient = torch.zeros_like(rest) if gradient is None else gradient
    strain_gradient = torch.zeros_like(strain) if strain_gradient is None else strain_gradient
    symmetric = 0.5 * (strain_gradient + strain_gradient.T)
    virial = -symmetric[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    return Reference(
        charges=charges.detach().numpy(),
        energy=energy.item(),
        forces=-gradient.numpy(),
        virial=virial.numpy(),
        potential=potential.numpy(),
    )


def neighbor_images(system: System, cutoff: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All pairs closer than `cutoff`, images included, by looking at every pair of every image.

    Returns
    -------
    center [n_edges], neighbor [n_edges] (int64) and image [n_edges, 3] (float64, lattice steps of the neighbor),
    sorted by center.
    """
    fractional = system.positions @ np.linalg.inv(system.cell)
    # atoms may lie anywhere: fold the differences, then look one cell further than the cutoff needs
    heights = 1.0 / np.linalg.norm(np.linalg.inv(system.cell), axis=0)
    reach = [range(-math.ceil(cutoff / height) - 1, math.ceil(cutoff / height) + 2) for height in heights]
    images = np.array([[a, b, c] for a in reach[0] for b in reach[1] for c in reach[2]], dtype=float)
    found = []
    for i in range(len(system)):
        fold = -np.round(fractional - fractional[i])
        vectors = system.positions - system.positions[i] + fold @ system.cell
        distances = np.linalg.norm(vectors[:, None] + images @ system.cell, axis=-1)
        j, image = np.nonzero((distances < cutoff) & (distances > 1e-9))
        found.append(np.column_stack([np.full(len(j), i), j, fold[j] + images[image]]))
    table = np.concatenate(found)
    return (
        torch.from_numpy(table[:, 0].astype(np.int64)),
        torch.from_numpy(table[:, 1].astype(np.int64)),
        torch.from_numpy(np.ascontiguousarray(table[:, 2:])),
    )


def long_range_energy(
    positions: torch.Tensor,
    cell: torch.Tensor,
    charges: torch.Tensor,
    sigma: float,
    coulomb_constant: float,
    self_interaction: bool,
    neutralize: bool,
) -> torch.Tensor:
    """Latent Ewald sum of a periodic system, eV: every reciprocal vector but 0, summed until it is converged.

    Parameters
    ----------
    positions, cell, charges
        [n, 3] and [3, 3] angstrom (rows are lattice vectors), [n] e.
    sigma, coulomb_constant, self_interaction, neutralize
        As in the contract.
    """
    if neutralize:
        charges = charges - charges.mean()
    volume = torch.linalg.det(cell)
    k_max = math.sqrt(-2.0 * math.log(TRUNCATION)) / sigma
    total = positions.new_zeros(())
    reciprocal = 2.0 * math.pi * torch.linalg.inv(cell).T  # rows
    for steps in half_space(cell.detach().numpy(), k_max).split(20000):
        k = steps @ reciprocal  # [n_k, 3]
        phase = k @ positions.T  # [n_k, n]
        s_squared = (torch.cos(phase) @ charges) ** 2 + (torch.sin(phase) @ charges) ** 2
        k_squared = (k**2).sum(dim=1)
        total = total + 2.0 * (torch.exp(-(sigma**2) * k_squared / 2.0) / k_squared * s_squared).sum()
    energy = 2.0 * math.pi * coulomb_constant / volume * total
    if not self_interaction:
        energy = energy - coulomb_constant * (charges**2).sum() / (sigma * math.sqrt(2.0 * math.pi))
    return energy


def equilibrium(
    positions: torch.Tensor,
    cell: torch.Tensor,
    chi: torch.Tensor,
    eta: torch.Tensor,
    total_charge: float,
    options: dict[str, float],
) -> torch.Tensor:
    """Charges [n] where ``chi + eta q + dE_lr/dq`` is the same for all and their sum is `total_charge`: a bordered system."""
    n = len(chi)
    reciprocal = 2.0 * math.pi * torch.linalg.inv(cell).T
    k_max = math.sqrt(-2.0 * math.log(TRUNCATION)) / options["sigma"]
    matrix = torch.diag(eta)
    for steps in half_space(cell.detach().numpy(), k_max).split(20000):
        k = steps @ reciprocal
        phase = k @ positions.T
        k_squared = (k**2).sum(dim=1, keepdim=True)
        weight = torch.exp(-(options["sigma"] ** 2) * k_squared / 2.0) / k_squared
        sums = torch.cos(phase).T @ (weight * torch.cos(phase)) + torch.sin(phase).T @ (
            weight * torch.sin(phase)
        )
        matrix = matrix + 8.0 * math.pi * options["coulomb_constant"] / torch.linalg.det(cell) * sums
    if not options["self_interaction"]:
        self_energy = options["coulomb_constant"] / (options["sigma"] * math.sqrt(2.0 * math.pi))
        matrix = matrix - 2.0 * self_energy * torch.eye(n, dtype=matrix.dtype)
    border = torch.ones(n, 1, dtype=matrix.dtype)
    bordered = torch.cat(
        [
            torch.cat([matrix, border], dim=1),
            torch.cat([border.T, torch.zeros(1, 1, dtype=matrix.dtype)], dim=1),
        ]
    )
    return torch.linalg.solve(bordered, torch.cat([-chi, chi.new_tensor([total_charge])]))[:n]


def half_space(cell: np.ndarray, k_max: float) -> torch.Tensor:
    """Integer steps [n_k, 3] (float64) of one of each pair +-k with 0 < |k| <= k_max (1/angstrom)."""
    reciprocal = 2.0 * np.pi * np.linalg.inv(cell).T
    limits = np.floor(k_max * np.linalg.norm(cell, axis=1) / (2.0 * np.pi)).astype(int)
    a, b, c = np.meshgrid(
        np.arange(0, limits[0] + 1), *[np.arange(-limit, limit + 1) for limit in limits[1:]], indexing="ij"
    )
    steps = np.column_stack([a.ravel(), b.ravel(), c.ravel()])
    first = (a > 0) | ((a == 0) & (b > 0)) | ((a == 0) & (b == 0) & (c > 0))
    steps = steps[first.ravel()]
    inside = np.linalg.norm(steps @ reciprocal, axis=1) <= k_max
    return torch.from_numpy(steps[inside].astype(np.float64))
