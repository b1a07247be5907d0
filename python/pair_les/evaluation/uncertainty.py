# SPDX-License-Identifier: MIT
"""Uncertainties of the predictions of one model: energies of atoms, forces, and total energies.

The network gives those of the energies of atoms (:mod:`pair_les.net.uncertainty`). The force on an atom is the derivative of its own
energy and of those of its neighbors, whose errors vary over a length that is a property of its species s::

    sigma_i = k_s sqrt(sum_j w(r_ij) u_j^2),    w(r) = (1 - (r / cutoff)^2)^2,    j = i and its neighbors

It is the expected ``sqrt(|error of the force|^2)``. `k_s`, 1/angstrom, is calibrated on frames that were not trained on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.batches import Batch, batches_of
from ..data.graphs import Graph
from ..errors import RunError
from ..model_file.metadata import ContractError, Metadata
from ..net.edge_vectors import edge_vectors
from ..net.uncertainty import energy_deviations


@dataclass(frozen=True)
class Deviations:
    """Uncertainties (standard deviations) of F frames with N atoms in all.

    ``total`` [F], eV; ``atomic`` [N], eV; ``forces`` [N], eV/angstrom, of the length of the force.
    """

    total: NDArray[np.float64]
    atomic: NDArray[np.float64]
    forces: NDArray[np.float64]


def require_uncertainty(metadata: Metadata, file: str | os.PathLike[str]) -> None:
    """Raise `RunError` unless a model has uncertainties."""
    if metadata.uncertainty is None:
        raise RunError(
            f"{file}: the model has no uncertainties: type 'pair-les export RUN -o {os.path.basename(file)} --uncertainty run'"
        )


def deviations(
    module: torch.nn.Module, metadata: Metadata, graphs: Sequence[Graph], file: str | os.PathLike[str]
) -> Deviations:
    """Return the uncertainties of the predictions for frames.

    Parameters
    ----------
    module, metadata
        From `load_model`, of a model with uncertainties.
    graphs
        Frames, whose labels are not used.
    file
        Named in errors.

    Raises
    ------
    RunError
        If the model has no uncertainties.
    ContractError
        If what the network returns is not what the contract says.
    """
    found = [deviations_of_batch(module, metadata, batch, file) for batch in batches_of(graphs)]
    return Deviations(*(np.concatenate([getattr(one, name) for one in found]) for name in vars(found[0])))


def deviations_of_batch(
    module: torch.nn.Module, metadata: Metadata, batch: Batch, file: str | os.PathLike[str]
) -> Deviations:
    """Return those of one batch; see `deviations`."""
    require_uncertainty(metadata, file)
    vectors = edge_vectors(
        batch.positions, batch.edge_index, batch.shifts, getattr(torch, metadata.dtype)
    ).detach()
    arguments = (batch.species, batch.edge_index, vectors, len(batch.species))
    factor: Tensor = module.factor  # type: ignore[assignment]
    with torch.no_grad():
        features = module.last_layer(*arguments)  # type: ignore[operator]
    if list(features.shape) != [len(batch.species), factor.shape[1]] or features.dtype != torch.float64:
        raise ContractError(
            f"{file}: last_layer returned {features.dtype} {list(features.shape)}, must be float64 [n_local, n] = "
            f"[{len(batch.species)}, {factor.shape[1]}]"
        )
    energies = energy_deviations(features, batch.species, factor)
    total = total_deviations(features, factor, batch)
    forces = force_deviations(energies, batch, metadata)
    return Deviations(total.cpu().numpy(), energies.cpu().numpy(), forces.cpu().numpy())


def total_deviations(features: Tensor, factor: Tensor, batch: Batch) -> Tensor:
    """Return the uncertainty [B], eV, of the total energy of each frame.

    Parameters
    ----------
    features
        [N, n], what the energies of the atoms are linear in.
    factor
        [n_species, n, n], eV.
    batch
        Frames and species of the atoms.
    """
    n_frames, n_species = len(batch.n_atoms), factor.shape[0]
    sums = features.new_zeros(n_frames * n_species, features.shape[1])
    sums.index_add_(0, batch.frame * n_species + batch.species, features)
    projected = torch.einsum("bsk,skl->bsl", sums.view(n_frames, n_species, -1), factor)
    return projected.square().sum((1, 2)).sqrt()


def neighborhood_deviations(energies: Tensor, batch: Batch, cutoff: float) -> Tensor:
    """Return ``sqrt(sum_j w(r_ij) u_j^2)``, eV, [N], from uncertainties [N] of the energies of atoms."""
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)
    weight = (1.0 - vectors.square().sum(1) / cutoff**2).square()
    variance = energies.square()
    around = variance.index_add(0, batch.edge_index[0], weight * variance[batch.edge_index[1]])
    return around.sqrt()


def force_deviations(energies: Tensor, batch: Batch, metadata: Metadata) -> Tensor:
    """Return the uncertainties [N] of the forces, eV/angstrom, from those [N] of the energies of atoms, eV."""
    assert metadata.uncertainty is not None  # the caller has looked
    lengths = metadata.uncertainty.inverse_length
    scale = energies.new_tensor([lengths[symbol] for symbol in metadata.species])
    return scale[batch.species] * neighborhood_deviations(energies, batch, metadata.cutoff)
