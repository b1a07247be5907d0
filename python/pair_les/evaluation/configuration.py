# SPDX-License-Identifier: MIT
"""Evaluation of a model file for one configuration: the reference that LAMMPS must equal.

The long-range part is in float64 and converged, whatever the precision of the network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..constants import SMALLEST_DISTANCE
from ..data.batches import Batch
from ..data.neighbors import neighbor_list
from ..errors import GeometryError
from ..long_range.slab import cell_with_vacuum
from ..model_file.charge_state import resolve_total_charge
from ..model_file.metadata import Metadata
from ..model_file.reference_energies import atomic_reference_energies, total_reference_energy
from ..net.edge_vectors import edge_vectors
from .model_network import model_network, require_finite
from .prediction import predict


@dataclass(frozen=True)
class Evaluation:
    """Results of a model for one configuration of N atoms, float64.

    Parameters
    ----------
    energy
        eV, short-range and long-range.
    long_range_energy
        eV, the long-range part of `energy`.
    atomic_energies
        [N], eV, the short-range energy of each atom, its reference energy included; with charge equilibration that of
        its charge too.
    forces
        [N, 3], eV/angstrom.
    strain_derivative
        [3, 3], eV, ``dE/d eps`` of a symmetric strain (minus the virial); None where not periodic.
    charges, latent_potential
        [N], e, the charges that interact, after the shift to a total charge where there is one; [N], ``dE_lr/dq`` of the
        network's charges in eV/e, as the backward pass sees it. None for a model without charges.
    """

    energy: float
    long_range_energy: float
    atomic_energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    strain_derivative: NDArray[np.float64] | None
    charges: NDArray[np.float64] | None
    latent_potential: NDArray[np.float64] | None


def evaluate(
    module: torch.nn.Module,
    metadata: Metadata,
    species: ArrayLike,
    positions: ArrayLike,
    cell: ArrayLike,
    pbc: bool | Sequence[bool],
    *,
    file: str | os.PathLike[str] = "model",
    device: str | torch.device = "cpu",
    k_cutoff: float | None = None,
    total_charge: float | None = None,
    field: Sequence[float] | None = None,
) -> Evaluation:
    """Energy, forces, strain derivative, charges and latent potential of one configuration.

    Parameters
    ----------
    module, metadata
        From `load_model`.
    species
        [N], species indices (`species_indices`).
    positions, cell, pbc
        As in `neighbor_list`; with charges three directions are periodic, two (a slab in vacuum, as with
        ``kspace_modify slab``), or none.
    file
        Named in error messages.
    device
        Where the module lives.
    k_cutoff
        As in `long_range_energy`; None, the converged sum, is what the model means.
    total_charge
        e; all charges are shifted alike so that they add up to it, instead of what ``neutralize`` says
        (``pair_style les charge Q``). None: as the model says, for its charge state if it has one.
    field
        [3], V/angstrom, uniform, acts on the charges at the positions as they are, unwrapped (``pair_style les efield``);
        the factor sqrt(eps) of a medium included.

    Raises
    ------
    ContractError
        If the network fails, or returns something else than the contract says, or is of another total charge.
    GeometryError
        See `require_periodicity`; if atoms are closer than `SMALLEST_DISTANCE`, or energies,
        charges or forces are not finite; if equilibrated charges, or none, are in a field; see also `neighbor_list`.
    """
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    require_periodicity(metadata, periodic)
    indices = np.asarray(species, dtype=np.int64).reshape(-1)
    total_charge = resolve_total_charge(metadata, len(indices), total_charge, file)
    batch = batch_of_configuration(indices, positions, cell, periodic, metadata.cutoff, device)
    total = None if total_charge is None else torch.full_like(batch.energy, total_charge)
    periodicities = [bool(periodic.all())]
    return evaluate_batch(
        module,
        metadata,
        batch,
        periodicities,
        total,
        file=file,
        k_cutoff=k_cutoff,
        field=_field_of(metadata, field, file, batch),
    )[0]


def _field_of(
    metadata: Metadata, field: Sequence[float] | None, file: str | os.PathLike[str], batch: Batch
) -> Tensor | None:
    if field is None:
        return None
    if metadata.long_range is None or metadata.long_range.equilibrates:
        has = "no charges" if metadata.long_range is None else "charges that a field changes"
        raise GeometryError(
            f"{file}: the model has {has}, and a field is for charges that the network gives: leave out the field"
        )
    return torch.tensor(np.asarray(field, dtype=np.float64)).to(batch.positions.device)


def evaluate_batch(
    module: torch.nn.Module,
    metadata: Metadata,
    batch: Batch,
    strained: Sequence[bool],
    total_charge: Tensor | None,
    *,
    file: str | os.PathLike[str],
    k_cutoff: float | None = None,
    field: Tensor | None = None,
) -> list[Evaluation]:
    """Results for each of the B frames of a batch; arguments and errors as of `evaluate`.

    Parameters
    ----------
    strained
        [B], whether a frame has a strain derivative: those that are periodic in three directions.
    total_charge
        [B], e; None: as the model says.
    field
        [3], V/angstrom, as in `predict`.
    """
    found = predict(
        model_network(module, metadata, file),
        metadata.long_range,
        batch,
        getattr(torch, metadata.dtype),
        stress=any(strained),
        total_charge=total_charge,
        long_range_dtype=torch.float64,
        k_cutoff=k_cutoff,
        field=field,
    )
    require_finite(found.forces, "force", file)
    assert found.atomic_energy is not None  # of every prediction
    sizes = batch.n_atoms.tolist()
    results = []
    for number, (species, energies, forces) in enumerate(
        zip(
            batch.species.cpu().split(sizes),
            found.atomic_energy.split(sizes),
            found.forces.split(sizes),
            strict=True,
        )
    ):
        indices = species.numpy()
        own = batch.frame == number
        results.append(
            Evaluation(
                energy=total_reference_energy(metadata, indices) + float(found.energy[number]),
                long_range_energy=0.0
                if found.long_range_energy is None
                else float(found.long_range_energy[number]),
                atomic_energies=atomic_reference_energies(metadata, indices) + _array(energies),
                forces=_array(forces),
                strain_derivative=_array(found.strain_derivative[number])
                if strained[number] and found.strain_derivative is not None
                else None,
                charges=None if found.interacting_charge is None else _array(found.interacting_charge[own]),
                latent_potential=None
                if found.latent_potential is None
                else _array(found.latent_potential[own]),
            )
        )
    return results


def require_periodicity(metadata: Metadata, pbc: ArrayLike) -> None:
    """Refuse boundary conditions in which the charges of a model have no energy here.

    Raises
    ------
    GeometryError
        A model with charges in a cell that is periodic in one direction, or with charge equilibration in two.
    """
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    directions = int(periodic.sum())
    if metadata.long_range is None or directions in (0, 3):
        return
    if directions == 1:
        raise GeometryError(
            f"pbc is {periodic.tolist()}: a model with long-range charges needs three directions periodic, two (a slab), or "
            "none; set pbc to True with enough vacuum, or to False for an isolated system"
        )
    if metadata.long_range.equilibrates:
        raise GeometryError(
            f"pbc is {periodic.tolist()}: charge equilibration of slabs is not available in Python; set pbc to True with enough "
            "vacuum, or run LAMMPS with kspace_modify slab"
        )


def batch_of_configuration(
    species: NDArray[np.int64],
    positions: ArrayLike,
    cell: ArrayLike,
    pbc: ArrayLike,
    cutoff: float,
    device: str | torch.device = "cpu",
) -> Batch:
    """Return a batch of one configuration without labels (its energy and forces are 0, its stress NaN).

    The cell of a slab is that of `cell_with_vacuum`.

    Parameters
    ----------
    species
        [N], species indices.
    positions, cell, pbc, cutoff
        As in `neighbor_list`.
    device
        Where the batch is.

    Raises
    ------
    GeometryError
        If atoms are closer than `SMALLEST_DISTANCE`; see also `neighbor_list`.
    """
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    edge_index, shifts = neighbor_list(positions, cell, periodic.tolist(), cutoff)
    x = torch.tensor(np.asarray(positions, dtype=np.float64).reshape(-1, 3))
    h = torch.tensor(np.asarray(cell, dtype=np.float64))
    slab = int(periodic.sum()) == 2
    lattice = torch.tensor(cell_with_vacuum(h.numpy(), periodic, x.numpy())) if slab else h
    batch = Batch(
        species=torch.as_tensor(species),
        positions=x,
        cell=lattice[None],
        periodic=torch.tensor([slab or bool(periodic.all())]),
        frame=torch.zeros(len(x), dtype=torch.int64),
        n_atoms=torch.tensor([len(x)]),
        edge_index=torch.as_tensor(edge_index),
        shifts=torch.as_tensor(shifts).to(h) @ h,
        energy=h.new_zeros(1),
        reference=h.new_zeros(1),
        forces=torch.zeros_like(x),
        stress=h.new_full((1, 3, 3), torch.nan),
        slab=torch.tensor([True]) if slab else None,
    )
    _require_apart(batch)
    return batch.to(torch.device(device))


def _require_apart(batch: Batch) -> None:
    """Raise `GeometryError` where two atoms are closer than `SMALLEST_DISTANCE`, in the words of LAMMPS.

    Unlike there the numbers of the atoms count from 0.
    """
    if batch.edge_index.shape[1] == 0:
        return
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)
    distance, edge = vectors.norm(dim=1).min(dim=0)
    if float(distance) < SMALLEST_DISTANCE:
        i, j = batch.edge_index[:, int(edge)].tolist()
        raise GeometryError(
            f"atoms {i} and {j} are {float(distance):.3g} A apart, less than the {SMALLEST_DISTANCE} A from which a model "
            "has energies; delete one of them if it is a duplicate"
        )


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.double().cpu().numpy()
