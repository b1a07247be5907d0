# SPDX-License-Identifier: MIT
"""Evaluation of a model file for many frames, several in one call of the network."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from ase import Atoms

from ..data.batches import chunks, join_batches
from ..data.files.names import frame_name
from ..errors import GeometryError, UserError
from ..model_file.charge_state import resolve_total_charge
from ..model_file.metadata import ContractError, Metadata
from .configuration import Evaluation, batch_of_configuration, evaluate_batch, require_periodicity
from .model_network import species_indices


def evaluate_many(
    module: torch.nn.Module,
    metadata: Metadata,
    frames: Sequence[Atoms],
    *,
    file: str | os.PathLike[str] = "model",
    device: str | torch.device = "cpu",
    total_charge: float | Sequence[float] | None = None,
) -> list[Evaluation]:
    """Results for each frame, as of `evaluate`, in calls of the network with about 2000 atoms.

    Parameters
    ----------
    module, metadata
        From `load_model`.
    frames
        Of any sizes and periodicities.
    file, device
        As in `evaluate`.
    total_charge
        e, of all frames or of each; None: as the model says.

    Raises
    ------
    ContractError, GeometryError
        As `evaluate`, with the number of the frame where it is one of them.
    UserError
        If the numbers of frames and of total charges differ.
    """
    given = (
        [total_charge] * len(frames)
        if total_charge is None or isinstance(total_charge, int | float)
        else total_charge
    )
    if len(given) != len(frames):
        raise UserError(
            f"total_charge has {len(given)} numbers for {len(frames)} frames: give one number, or one for each frame"
        )
    results: list[Evaluation] = []
    for chunk in chunks(range(len(frames)), [len(frame) for frame in frames]):
        batches, charges = [], []
        for number in chunk:
            atoms = frames[number]
            try:
                require_periodicity(metadata, atoms.pbc)
                species = species_indices(atoms.get_chemical_symbols(), metadata, file)
                charges.append(resolve_total_charge(metadata, len(atoms), given[number], file))
                batches.append(
                    batch_of_configuration(
                        species, atoms.positions, atoms.cell.array, atoms.pbc, metadata.cutoff, device
                    )
                )
            except (ContractError, GeometryError) as error:
                raise type(error)(f"{frame_name('frames', number)}: {error}") from error
        batch = join_batches(batches)
        totals = [charge for charge in charges if charge is not None]  # all or none: the model decides
        fixed = batch.energy.new_tensor(totals) if totals else None
        results += evaluate_batch(
            module, metadata, batch, [bool(frames[n].pbc.all()) for n in chunk], fixed, file=file
        )
    return results
