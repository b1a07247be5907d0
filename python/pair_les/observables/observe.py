# SPDX-License-Identifier: MIT
"""Charges, moments and Born effective charges of one configuration from any model file with charges."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from ase import Atoms
from numpy.typing import NDArray
from torch import Tensor

from ..data.neighbors import neighbor_list
from ..evaluation.two_phase import checked_forward, require_apart, species_indices
from ..long_range.equilibration import equilibrate
from ..long_range.projection import project_charges
from ..model_file.archive import load_model
from ..model_file.charge_state import total_charge_of
from ..model_file.metadata import ContractError, Metadata
from .born import born_charges
from .moments import dipole, electronic_scale, polarization, quadrupole


@dataclass(frozen=True)
class Observation:
    """What the charges of one configuration of N atoms say, times ``sqrt(eps)``; float64.

    Parameters
    ----------
    charges
        [N], e, after the projection on a total charge where there is one.
    dipole, quadrupole
        [3], e angstrom, and [3, 3], e angstrom^2 (trace included), of the coordinates as they are given.
    polarization
        Complex [3], e: ``P_g`` along each lattice vector; None unless the cell is periodic in three directions.
    born
        [N, 3, 3], e, indices [atom, polarisation, displacement]; None where not asked for.
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
        If atoms are closer than `SMALLEST_DISTANCE`, or what the network returns is not finite.
    UserError
        If `eps` is below 1; see also `born_charges`, `checked_forward` and `neighbor_list`.
    """
    file = "model" if isinstance(model, tuple) else os.fspath(model)
    module, metadata = model if isinstance(model, tuple) else load_model(model, device)
    if metadata.long_range is None:
        raise ContractError(f"{file}: the model has no charges (long_range null): use one that has")
    scale = electronic_scale(eps)
    total_charge = total_charge_of(metadata, len(atoms), total_charge, file)
    if total_charge is None and metadata.long_range.neutralize:
        total_charge = 0.0

    positions = torch.tensor(atoms.positions, dtype=torch.float64, device=device, requires_grad=True)
    cell = torch.tensor(atoms.cell.array, dtype=torch.float64, device=device)
    charges = _charges(module, metadata, atoms, positions, cell, file)
    if metadata.long_range.equilibrates:
        charges = equilibrate(
            charges,
            positions,
            cell[None],
            torch.tensor([bool(atoms.pbc.all())]),
            torch.zeros(len(atoms), dtype=torch.int64, device=device),
            torch.tensor([total_charge], dtype=torch.float64, device=device),
            metadata.long_range,
            differentiable=born,
        )
    elif total_charge is not None:
        charges = project_charges(charges, total_charge)

    q, x = charges.detach(), positions.detach()
    return Observation(
        charges=_array(scale * q),
        dipole=_array(scale * dipole(q, x)),
        quadrupole=_array(scale * quadrupole(q, x)),
        polarization=_array(scale * polarization(q, x, cell)) if atoms.pbc.all() else None,
        born=_array(scale * born_charges(charges, positions, cell, atoms.pbc.tolist())) if born else None,
    )


def _charges(
    module: torch.nn.Module,
    metadata: Metadata,
    atoms: Atoms,
    positions: Tensor,
    cell: Tensor,
    file: str,
) -> Tensor:
    """Latent charges [N], or electronegativities and hardnesses [N, 2], float64, a function of `positions` that torch can differentiate."""
    symbols: Sequence[str] = atoms.get_chemical_symbols()
    species = torch.as_tensor(species_indices(symbols, metadata, file), device=positions.device)
    edge_index, shifts = neighbor_list(atoms.positions, atoms.cell.array, atoms.pbc, metadata.cutoff)
    edges = torch.as_tensor(edge_index, device=positions.device)
    steps = torch.as_tensor(shifts, device=positions.device).to(positions.dtype)
    # differences in float64 whatever the precision of the network: large boxes cost no digits
    vectors = positions[edges[1]] - positions[edges[0]] + steps @ cell
    require_apart(vectors.detach(), edge_index)
    dtype = getattr(torch, metadata.dtype)
    _, charges = checked_forward(module, metadata, species, edges, vectors.to(dtype), file)
    assert charges is not None  # asked only of models with charges
    return charges.to(positions.dtype)


def _array(tensor: Tensor) -> NDArray:
    return tensor.detach().cpu().numpy()
