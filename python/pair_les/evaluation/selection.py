# SPDX-License-Identifier: MIT
"""``pair-les select``: the frames that a model would learn most from, by D-optimal design on the features of its last layer.

The uncertainty of a model is a covariance ``C_s`` of the weights of each species (:mod:`pair_les.net.uncertainty`). Frames are taken
one after the other, each the one with the largest ``sum_s log det(1 + C_s sum_i f_i f_i^T)`` over its atoms i, by which it shrinks
the volume of the covariance, which it then does: a frame like one that was taken, or like the training data, gains little (V. V.
Fedorov, Theory of Optimal Experiments, 1972).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from ase import Atoms
from torch import Tensor

from ..data.files.names import frame_name
from ..errors import GeometryError, RunError
from ..model_file.metadata import Metadata
from ..net.edge_vectors import edge_vectors
from .configuration import batch_of_configuration
from .model_network import species_indices
from .uncertainty import require_uncertainty


def select_frames(
    module: torch.nn.Module,
    metadata: Metadata,
    frames: Sequence[Atoms],
    n: int,
    *,
    file: str | os.PathLike[str] = "model",
) -> list[tuple[int, float]]:
    """Choose frames to label.

    Parameters
    ----------
    module, metadata
        From `load_model`, of a model with uncertainties.
    frames
        Candidates; labels are not needed.
    n
        Number of frames to choose, at most all.
    file
        Names the model in errors.

    Returns
    -------
    Index and gain of each chosen frame, the first choice first. The gain is in nats per atom.

    Raises
    ------
    RunError
        If the model has no uncertainties, or `n` is not from 1 to the number of frames.
    ContractError, GeometryError
        If a frame has an element that the model does not know, or atoms that coincide.
    """
    require_uncertainty(metadata, file)
    if not 1 <= n <= len(frames):
        raise RunError(
            f"-n {n}: must be from 1 to the number of frames, which is {len(frames)}: give another number"
        )
    assert metadata.uncertainty is not None
    factor = torch.as_tensor(module.factor) / metadata.uncertainty.scale
    moments = torch.stack(
        [frame_moments(module, metadata, atoms, frame_name("frames", k)) for k, atoms in enumerate(frames)]
    )
    moments = factor.mT @ moments @ factor  # of features in units of their covariance
    identity = torch.eye(factor.shape[1], dtype=torch.float64)
    sizes = torch.tensor([len(atoms) for atoms in frames], dtype=torch.float64)
    left = torch.ones(len(frames), dtype=torch.bool)
    chosen: list[tuple[int, float]] = []
    for _ in range(n):
        gains = torch.linalg.slogdet(identity + moments).logabsdet.sum(1) / sizes
        gains[~left] = -torch.inf
        best = int(gains.argmax())
        chosen.append((best, float(gains[best])))
        left[best] = False
        lower = torch.linalg.cholesky(identity + moments[best])
        inverse = torch.linalg.solve_triangular(lower, identity.expand_as(lower), upper=False)
        moments = inverse @ moments @ inverse.mT
    return chosen


def frame_moments(module: torch.nn.Module, metadata: Metadata, atoms: Atoms, name: str) -> Tensor:
    """Return ``sum_i f_i f_i^T`` over the atoms of each species of one frame, [n_species, n, n]; `name` is that of the frame in errors."""
    species = species_indices(atoms.get_chemical_symbols(), metadata, name)
    try:
        batch = batch_of_configuration(species, atoms.positions, atoms.cell.array, atoms.pbc, metadata.cutoff)
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from error
    dtype = getattr(torch, metadata.dtype)
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, dtype)
    with torch.no_grad():
        features = module.last_layer(  # type: ignore[operator]
            batch.species, batch.edge_index, vectors, len(atoms)
        )
    own = [features[batch.species == s] for s in range(len(metadata.species))]
    return torch.stack([rows.T @ rows for rows in own])
