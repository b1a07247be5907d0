# SPDX-License-Identifier: MIT
"""Energies and strain derivatives of single atoms, shared as ``pair_style les`` and the kspace styles of LAMMPS share them.

::

    E_i    = e_i + q_i phi_i / 2                                phi_i = dE_lr/dq_i of the charges that interact
    W_i,ab = 1/2 sum_e r_a g_b   over edges e of atom i         g = d(sum e + sum phi q)/dr of the edge
           + q_i / 2 dphi_i/d eps_ab  at fixed charges

The long-range energy is quadratic in the charges, so that both add up to the totals. With charge equilibration ``e_i`` contains
the energy of the charge, and g holds the charges fixed: the energy is stationary in them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..data.batches import Batch
from ..long_range.energy import converged_k_cutoff
from ..long_range.equilibration import charge_energies
from ..model_file.charge_state import resolve_total_charge
from ..model_file.metadata import LongRange, Metadata
from ..model_file.reference_energies import atomic_reference_energies
from ..net.edge_vectors import edge_vectors
from .configuration import batch_of_configuration, require_periodicity
from .model_network import checked_forward
from .prediction import (
    batch_long_range_energy,
    charges_from_outputs,
    deform_batch,
    fixed_total_charge,
    shift_charges,
)


def share_over_atoms(
    module: torch.nn.Module,
    metadata: Metadata,
    species: ArrayLike,
    positions: ArrayLike,
    cell: ArrayLike,
    pbc: bool | Sequence[bool],
    *,
    stresses: bool = False,
    file: str | os.PathLike[str] = "model",
    device: str | torch.device = "cpu",
    total_charge: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Energy and strain derivative of each atom of one configuration; arguments and errors as of `evaluate`.

    Parameters
    ----------
    stresses
        Whether strain derivatives are wanted; the cell must be periodic in three directions.

    Returns
    -------
    energies
        [N], eV, their sum is the energy.
    strain_derivatives
        [N, 3, 3], eV, their sum is the strain derivative; that of a single atom is not symmetric. None where not wanted.
    """
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    require_periodicity(metadata, periodic)
    indices = np.asarray(species, dtype=np.int64).reshape(-1)
    batch = batch_of_configuration(indices, positions, cell, periodic, metadata.cutoff, device)
    dtype, settings = getattr(torch, metadata.dtype), metadata.long_range
    given = resolve_total_charge(metadata, len(indices), total_charge, file)
    with torch.enable_grad():
        vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, dtype).detach()
        vectors.requires_grad_(stresses)
        energies, outputs = checked_forward(module, metadata, batch.species, batch.edge_index, vectors, file)
        energies = energies.double()
        potential_energy, long_range = torch.zeros_like(energies), None
        chain = energies.sum()
        if settings is not None and outputs is not None:
            total = (
                torch.full_like(batch.energy, given)
                if given is not None
                else fixed_total_charge(settings, batch)
            )
            charges = charges_from_outputs(outputs.detach(), settings, batch, total).double().detach()
            if settings.equilibrates:
                energies = energies + charge_energies(charges, *outputs.double().unbind(1))
                chain = energies.sum()
            potential, potential_of_network, long_range = _potentials(
                batch, charges, settings, total, stresses
            )
            if not settings.equilibrates:
                chain = chain + (potential_of_network * outputs.double()).sum()
            potential_energy = 0.5 * shift_charges(charges, batch, total) * potential
        shared = energies.detach() + potential_energy
        strain_derivatives = None
        if stresses:
            strain_derivatives = _edge_shares(chain, vectors, batch)
            if long_range is not None:
                strain_derivatives = strain_derivatives + long_range
    total_energies = atomic_reference_energies(metadata, indices) + shared.cpu().numpy()
    return total_energies, None if strain_derivatives is None else strain_derivatives.cpu().numpy()


def _potentials(
    batch: Batch, charges: Tensor, settings: LongRange, total_charge: Tensor | None, stresses: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Potential of the charges that interact and of those of the network, both [N], eV/e, and strain derivatives [N, 3, 3], eV."""
    of_network = charges.clone().requires_grad_(True)
    strain = torch.zeros_like(batch.cell, requires_grad=stresses)
    deformed = deform_batch(batch, 0.5 * (strain + strain.transpose(1, 2))) if stresses else batch
    interacting = shift_charges(of_network, batch, total_charge)
    k_cutoff = converged_k_cutoff(settings.sigma, torch.float64)
    energy = batch_long_range_energy(
        deformed, interacting, settings, total_charge is not None, k_cutoff
    ).sum()
    potential, potential_of_network = torch.autograd.grad(
        energy, [interacting, of_network], retain_graph=stresses
    )
    if not stresses:
        return potential, potential_of_network, None
    (by_strain,) = torch.autograd.grad(energy, strain, create_graph=True)
    shares = torch.zeros(len(charges), 3, 3, dtype=torch.float64, device=charges.device)
    for a in range(3):
        for b in range(a, 3):
            (change,) = torch.autograd.grad(by_strain[0, a, b], interacting, retain_graph=True)
            shares[:, a, b] = shares[:, b, a] = 0.5 * interacting.detach() * change
    return potential, potential_of_network, shares


def _edge_shares(energy: Tensor, vectors: Tensor, batch: Batch) -> Tensor:
    """Half of ``r_a g_b`` of each edge to either of its atoms, [N, 3, 3], eV."""
    (gradient,) = torch.autograd.grad(energy, vectors, allow_unused=True, materialize_grads=True)
    virials = 0.5 * vectors.detach().double()[:, :, None] * gradient.double()[:, None, :]
    shares = virials.new_zeros(len(batch.species), 3, 3)
    for atom in batch.edge_index:
        shares = shares.index_add(0, atom, virials)
    return shares
