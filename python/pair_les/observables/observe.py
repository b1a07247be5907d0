# SPDX-License-Identifier: MIT
"""Charges, moments and Born effective charges of one configuration from any model file with charges."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
from ase import Atoms
from numpy.typing import NDArray
from torch import Tensor

from ..evaluation.configuration import batch_of_configuration, require_periodicity
from ..evaluation.model_network import model_network, species_indices
from ..evaluation.prediction import (
    apply_network,
    charges_from_outputs,
    fixed_total_charge,
    shift_charges,
)
from ..model_file.archive import load_model
from ..model_file.charge_state import resolve_total_charge
from ..model_file.metadata import ContractError, Metadata
from .born import born_charges
from .moments import dipole, electronic_scale, polarization, quadrupole


@dataclass(frozen=True)
class Observation:
    """Charges of one configuration of N atoms and their moments, times ``sqrt(eps)``; float64.

    Parameters
    ----------
    charges
        [N], e, after the projection on a total charge where there is one.
    dipole, quadrupole
        [3], e angstrom, and [3, 3], e angstrom^2 (trace included), of the coordinates as they are given.
    polarization
        Complex [3], e: ``P_g`` along each lattice vector; None unless the cell is periodic in three directions.
    born
        [N, 3, 3], e, indices [atom, polarization, displacement]; None where not asked for.
    """

    charges: NDArray[np.float64]
    dipole: NDArray[np.float64]
    quadrupole: NDArray[np.float64]
    polarization: NDArray[np.complex128] | None
    born: NDArray[np.float64] | None


def observe(
    model: str | os.PathLike[str] | tuple[torch.nn.Module, Metadata],
    atoms: Atoms,
    *,
    eps: float = 1.0,
    total_charge: float | None = None,
    born: bool = True,
    device: str | torch.device = "cpu",
) -> Observation:
    """Charges and their moments; isolated and periodic configurations, and slabs.

    Parameters
    ----------
    model
        A model file, or what `load_model` returned for it.
    atoms
        Symbols, positions (angstrom), cell and pbc.
    eps
        Electronic permittivity that makes latent charges physical ones; 1 leaves them latent.
    total_charge
        e; the charges are shifted alike so that they add up to it. None: with `neutralize` to 0, or to the
        charge of the state of the model file; else no shift.
    born
        Whether to compute Born effective charges (six backward passes).
    device
        Where the module is.

    Raises
    ------
    ContractError
        If the model has no charges, does not know an element, or breaks the contract.
    GeometryError
        If atoms are closer than `SMALLEST_DISTANCE`, what the network returns is not finite, or equilibrated charges are asked for
        in a cell that is periodic in one direction or two.
    UserError
        If `eps` is below 1; see also `born_charges`, `checked_forward` and `neighbor_list`.
    """
    file = "model" if isinstance(model, tuple) else os.fspath(model)
    module, metadata = model if isinstance(model, tuple) else load_model(model, device)
    if metadata.long_range is None:
        raise ContractError(f"{file}: the model has no charges (long_range null): use one that has")
    scale = electronic_scale(eps)
    total_charge = resolve_total_charge(metadata, len(atoms), total_charge, file)
    if metadata.long_range.equilibrates:
        require_periodicity(metadata, atoms.pbc)
    species = species_indices(atoms.get_chemical_symbols(), metadata, file)
    batch = batch_of_configuration(
        species, atoms.positions, atoms.cell.array, atoms.pbc, metadata.cutoff, device
    )
    positions = batch.positions.requires_grad_(True)
    cell = torch.as_tensor(atoms.cell.array, device=positions.device)  # not that of a slab with vacuum
    total = (
        fixed_total_charge(metadata.long_range, batch)
        if total_charge is None
        else torch.full_like(batch.energy, total_charge)
    )
    network = model_network(module, metadata, file)
    _, outputs = apply_network(network, batch, getattr(torch, metadata.dtype))
    charges = charges_from_outputs(outputs.double(), metadata.long_range, batch, total, differentiable=born)
    charges = shift_charges(charges, batch, total)

    q, x = charges.detach(), positions.detach()
    return Observation(
        charges=_array(scale * q),
        dipole=_array(scale * dipole(q, x)),
        quadrupole=_array(scale * quadrupole(q, x)),
        polarization=_array(scale * polarization(q, x, cell)) if atoms.pbc.all() else None,
        born=_array(scale * born_charges(charges, positions, cell, atoms.pbc.tolist())) if born else None,
    )


def _array(tensor: Tensor) -> NDArray:
    return tensor.detach().cpu().numpy()
