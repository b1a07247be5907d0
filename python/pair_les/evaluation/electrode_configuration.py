# SPDX-License-Identifier: MIT
"""Evaluation of a model file for one configuration with electrodes: the reference for keyword *electrode* of the pair style."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..data.batches import Batch
from ..errors import ElectrodeError
from ..long_range.electrodes import (
    Electrode,
    ElectrodeAtoms,
    electrode_atoms,
    electrode_charges,
    fixed_sums,
)
from ..long_range.energy import long_range_energy
from ..long_range.equilibration import interaction_matrix, lowest_hardness, with_fixed_sum
from ..long_range.projection import project_charges
from ..long_range.slab import cell_with_vacuum, slab_energy, slab_matrix
from ..model_file.charge_state import resolve_total_charge
from ..model_file.metadata import LongRange, Metadata
from ..model_file.reference_energies import atomic_reference_energies, total_reference_energy
from .configuration import Evaluation, batch_of_configuration, require_periodicity
from .model_network import model_network, require_finite, species_indices
from .prediction import apply_network

OUTSIDE = -1
"""Species of an atom that is not in the model: a charge of an electrode, and nothing else."""


@dataclass(frozen=True)
class ElectrodeEvaluation(Evaluation):
    """Results for a configuration with electrodes; `energy` is the grand potential, of which `forces` are the derivative.

    Parameters
    ----------
    electrode_charges
        e, the total charge of each electrode.
    electrode_potentials
        V, the given ones, and of electrodes of given charge the one that results, relative to the given ones.
    battery_energy
        eV, ``sum_g V_g Q_g`` of the electrodes of given potential: `energy` plus this is the internal energy.
    """

    electrode_charges: dict[str, float]
    electrode_potentials: dict[str, float]
    battery_energy: float


@dataclass(frozen=True)
class _Cell:
    """Where the charges are: positions [N, 3], cell [3, 3], how it repeats, and a uniform field [3], V/angstrom."""

    positions: Tensor
    cell: Tensor
    periodic: bool
    slab: bool
    field: Tensor

    def energy(self, charges: Tensor, settings: LongRange) -> Tensor:
        """Long-range energy of any charges [N], eV."""
        frame = torch.zeros(len(charges), dtype=torch.int64)
        periodic, slab = torch.tensor([self.periodic]), torch.tensor([self.slab])
        cell = self.cell[None]
        energy = long_range_energy(self.positions, charges, cell, periodic, frame, with_fixed_sum(settings))
        if self.slab:
            energy = energy + slab_energy(
                self.positions, charges, cell, slab, frame, settings.coulomb_constant
            )
        return energy.sum() - charges @ (self.positions @ self.field)

    def matrix(self, atoms: Tensor, settings: LongRange) -> Tensor:
        """The second derivative of `energy` in the charges of some atoms, without those of the Gaussians with themselves."""
        matrix = interaction_matrix(self.positions[atoms], self.cell, self.periodic, settings)
        if self.slab:
            matrix = matrix + slab_matrix(self.positions[atoms], self.cell, settings.coulomb_constant)
        return matrix


def species_beside_electrodes(
    symbols: Sequence[str],
    electrodes: Mapping[str, Electrode],
    metadata: Metadata,
    file: str | os.PathLike[str],
) -> NDArray[np.int64]:
    """The species index of each symbol, [N], `OUTSIDE` for atoms of electrodes whose element the model does not know.

    Raises
    ------
    ElectrodeError
        If the electrodes contradict each other or the atoms.
    ContractError
        If the model does not know the symbol of an atom outside the electrodes.
    """
    inside = electrode_atoms(electrodes, len(symbols)).index.tolist()
    outside = {atom for atom in inside if symbols[atom] not in metadata.species}
    known = [atom for atom in range(len(symbols)) if atom not in outside]
    indices = np.full(len(symbols), OUTSIDE, dtype=np.int64)
    indices[known] = species_indices([symbols[atom] for atom in known], metadata, file)
    return indices


def evaluate_with_electrodes(
    module: torch.nn.Module,
    metadata: Metadata,
    species: ArrayLike,
    positions: ArrayLike,
    cell: ArrayLike,
    pbc: bool | Sequence[bool],
    electrodes: Mapping[str, Electrode],
    *,
    neutral: bool = True,
    file: str | os.PathLike[str] = "model",
    device: str | torch.device = "cpu",
    total_charge: float | None = None,
    field: Sequence[float] | None = None,
) -> ElectrodeEvaluation:
    """Grand potential, forces and charges of one configuration with electrodes.

    Atoms of an electrode that are known to the network take part in the short-range energy; their charges are those of the
    electrode, not those of the network.

    Parameters
    ----------
    module, metadata, positions, cell, pbc, file, device
        As in `evaluate`.
    species
        [N], species indices; `OUTSIDE` for atoms of electrodes that the model does not know.
    electrodes
        By name.
    neutral
        Whether the electrodes of given potential make the cell neutral; only differences of potentials matter then.
    total_charge
        e, the sum that the charges of all atoms outside the electrodes are shifted to; None: as the model says.
    field
        [3], V/angstrom, as in `evaluate`.

    Raises
    ------
    ElectrodeError
        If the electrodes contradict each other, the atoms, or the model, or have no charges of least energy.
    ContractError, GeometryError
        As `evaluate`.
    """
    settings = metadata.long_range
    if settings is None or settings.equilibrates:
        has = "no charges" if settings is None else "charge equilibration"
        raise ElectrodeError(
            f"{file}: the model has {has}, but electrodes need charges that the network gives: use a model with "
            "latent charges"
        )
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    require_periodicity(metadata, periodic)
    slab = int(periodic.sum()) == 2
    if slab and not neutral:
        raise ElectrodeError(
            "electrodes of a slab need neutral=True: the energy of a charged slab has no minimum in its charge"
        )
    indices = np.asarray(species, dtype=np.int64).reshape(-1)
    atoms = electrode_atoms(electrodes, len(indices))
    learned = np.setdiff1d(np.arange(len(indices)), atoms.index.numpy())
    if (indices[learned] == OUTSIDE).any():
        raise ElectrodeError(
            f"{file}: atom {learned[indices[learned] == OUTSIDE][0]} is in no electrode and the model does not know it"
        )
    total_charge = resolve_total_charge(metadata, len(learned), total_charge, file)
    if total_charge is None and settings.neutralize:
        total_charge = 0.0
    nodes = np.flatnonzero(indices != OUTSIDE)
    x = torch.tensor(np.asarray(positions, dtype=np.float64).reshape(-1, 3), requires_grad=True)
    lattice = torch.tensor(np.asarray(cell, dtype=np.float64))
    uniform = (
        torch.zeros(3, dtype=torch.float64) if field is None else torch.tensor(field, dtype=torch.float64)
    )
    if slab:
        lattice = torch.tensor(cell_with_vacuum(lattice.numpy(), periodic, x.detach().numpy()))

    with torch.enable_grad():
        strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
        deformation = torch.eye(3, dtype=torch.float64) + 0.5 * (strain + strain.T)
        place = _Cell(x @ deformation, lattice @ deformation, bool(periodic.any()), slab, uniform)
        atomic_energy, own = x.new_zeros(0), x.new_zeros(0)
        if len(nodes) > 0:
            batch = batch_of_configuration(
                indices[nodes], x.detach().numpy()[nodes], cell, periodic, metadata.cutoff, device
            )
            atomic_energy, own = _network_outputs(
                module, metadata, batch, place.positions[nodes], deformation, file
            )
        own = own[np.isin(nodes, learned)]
        if not own.requires_grad:  # charges that depend on nothing
            own = own.detach().requires_grad_(True)
        projected = own if total_charge is None else project_charges(own, total_charge)
        from_network = torch.zeros(len(indices), dtype=torch.float64).index_put(
            (torch.tensor(learned),), projected
        )
        members, values = fixed_sums(electrodes, atoms, neutral, float(projected.detach().sum()))
        solved, multipliers = _solve(place, from_network, atoms, members, values, settings)

        long_range = place.energy(from_network.index_put((atoms.index,), solved), settings)
        squares = 0.5 * ((lowest_hardness(settings) + atoms.hardness) * solved.square()).sum()
        battery = (atoms.potential * solved).sum()
        energy = atomic_energy.sum() + long_range + squares - battery
        neutralizing = neutral and any(electrode.charge is None for electrode in electrodes.values())
        shift = float(multipliers[-1]) if neutralizing else 0.0
        # what the network changes of its total charge, the electrodes take back
        compensated = energy + shift * (projected.sum() - projected.sum().detach())
        gradient, strain_gradient, potential = torch.autograd.grad(
            compensated, [x, strain, own], allow_unused=True, materialize_grads=True
        )
    require_finite(gradient, "force", file)
    charges = from_network.detach().index_put((atoms.index,), solved)
    latent_potential = torch.zeros_like(charges).index_put((torch.tensor(learned),), potential)
    references = np.zeros(len(indices))
    references[nodes] = atomic_reference_energies(metadata, indices[nodes])
    atomic = torch.zeros_like(charges).index_put((torch.tensor(nodes),), atomic_energy.detach())
    return ElectrodeEvaluation(
        energy=total_reference_energy(metadata, indices[nodes]) + float(energy.detach()),
        long_range_energy=float(long_range.detach()),
        atomic_energies=references + atomic.numpy(),
        forces=-gradient.numpy(),
        strain_derivative=strain_gradient.numpy() if periodic.all() else None,
        charges=charges.numpy(),
        latent_potential=latent_potential.numpy(),
        electrode_charges={
            name: float(solved[atoms.electrode == position].sum()) for position, name in enumerate(electrodes)
        },
        electrode_potentials=_potentials(electrodes, multipliers.tolist(), shift),
        battery_energy=float(battery),
    )


def _network_outputs(
    module: torch.nn.Module,
    metadata: Metadata,
    batch: Batch,
    positions: Tensor,
    deformation: Tensor,
    file: str | os.PathLike[str],
) -> tuple[Tensor, Tensor]:
    """Energies and charges of the atoms that the network knows, functions of their positions and of strain, float64."""
    device = batch.positions.device
    deformed = replace(batch, positions=positions.to(device), shifts=batch.shifts @ deformation.to(device))
    outputs = apply_network(model_network(module, metadata, file), deformed, getattr(torch, metadata.dtype))
    return outputs[0].double().cpu(), outputs[1].double().cpu()


def _solve(
    place: _Cell,
    from_network: Tensor,
    atoms: ElectrodeAtoms,
    members: Tensor,
    values: Tensor,
    settings: LongRange,
) -> tuple[Tensor, Tensor]:
    """Charges [M] and multipliers [K] of the electrodes beside charges of the network, without their graph."""
    fixed = replace(place, positions=place.positions.detach(), cell=place.cell.detach())
    charges = from_network.detach().requires_grad_(True)
    with torch.enable_grad():
        (of_network,) = torch.autograd.grad(fixed.energy(charges, settings), charges)
    matrix = fixed.matrix(atoms.index, settings)
    matrix = matrix + torch.diag(lowest_hardness(settings) + atoms.hardness)
    return electrode_charges(matrix, atoms.potential - of_network[atoms.index], members, values)


def _potentials(
    electrodes: Mapping[str, Electrode], multipliers: Sequence[float], shift: float
) -> dict[str, float]:
    """Potential of each electrode, V, relative to the given ones."""
    floating = iter(multipliers)
    return {
        name: float(electrode.potential) if electrode.potential is not None else shift - next(floating)
        for name, electrode in electrodes.items()
    }
