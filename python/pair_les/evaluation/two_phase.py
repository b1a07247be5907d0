# SPDX-License-Identifier: MIT
"""Two-phase evaluation of a model file for one configuration (docs/theory/forces.md).

Forward pass; the long-range sum turns the charges into ``phi_i = dE_lr/dq_i``; one backward pass of
``sum e + sum phi q``. This is the reference that the C++ core and LAMMPS must equal: the long-range part is
float64 and converged.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..constants import SMALLEST_DISTANCE
from ..data.neighbors import neighbor_list
from ..errors import GeometryError
from ..long_range.energy import long_range_energy
from ..long_range.equilibration import charge_energies, check_hardness, equilibrate, of_fixed_charges
from ..long_range.projection import project_charges
from ..model_file.charge_state import total_charge_of
from ..model_file.metadata import ContractError, LongRange, Metadata, nearest_species
from ..model_file.outputs import atomic_output_names, require_outputs
from ..model_file.reference_energies import atomic_reference_energies, total_reference_energy


@dataclass(frozen=True)
class Evaluation:
    """What a model says about one configuration; N atoms, float64.

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


def species_indices(
    symbols: Sequence[str], metadata: Metadata, file: str | os.PathLike[str]
) -> NDArray[np.int64]:
    """The species index of each symbol, [N].

    Raises
    ------
    ContractError
        If the model does not know a symbol.
    """
    index = {symbol: position for position, symbol in enumerate(metadata.species)}
    for symbol in symbols:
        if symbol not in index:
            near = nearest_species(symbol, metadata.species)
            raise ContractError(
                f"{file}: element '{symbol}' is not among the species of the model "
                f"({', '.join(metadata.species)}): "
                + (f"did you mean '{near}'?" if near else "use a model trained with it")
            )
    return np.array([index[symbol] for symbol in symbols], dtype=np.int64)


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
) -> Evaluation:
    """Energy, forces, strain derivative, charges and latent potential of one configuration.

    Parameters
    ----------
    module, metadata
        From `load_model`.
    species
        [N], species indices (`species_indices`).
    positions, cell, pbc
        As in `neighbor_list`; with charges either all directions are periodic or none.
    file
        Named in error messages.
    device
        Where the module lives.
    k_cutoff
        As in `long_range_energy`; None, the converged sum, is what the model means.
    total_charge
        e; all charges are shifted alike so that they add up to it, instead of what ``neutralize`` says
        (``pair_style les charge Q``). None: as the model says, for its charge state if it has one.

    Raises
    ------
    ContractError
        If the network fails, or returns something else than the contract says, or is of another total charge.
    GeometryError
        If a model with charges meets a partly periodic cell, atoms are closer than `SMALLEST_DISTANCE`, or energies,
        charges or forces are not finite; see also `neighbor_list`.
    """
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,))
    if metadata.long_range is not None and periodic.any() != periodic.all():
        raise GeometryError(
            f"pbc is {periodic.tolist()}: a model with long-range charges needs all three directions "
            "periodic, or none; set pbc to True, or to False for an isolated system, or run slabs in LAMMPS"
        )
    indices = np.asarray(species, dtype=np.int64).reshape(-1)
    total_charge = total_charge_of(metadata, len(indices), total_charge, file)
    edge_index, shifts = neighbor_list(positions, cell, periodic.tolist(), metadata.cutoff)
    x = torch.as_tensor(np.asarray(positions, dtype=np.float64).reshape(-1, 3), device=device)
    h = torch.as_tensor(np.asarray(cell, dtype=np.float64), device=device)
    kinds = torch.as_tensor(indices, device=device)
    edges = torch.as_tensor(edge_index, device=device)
    centre, neighbour = edges[0], edges[1]
    # Differences are taken in float64 whatever the network's precision: large boxes cost no digits.
    vectors = x[neighbour] - x[centre] + torch.as_tensor(shifts, device=device).to(x.dtype) @ h
    require_apart(vectors, edge_index)

    inputs = vectors.to(getattr(torch, metadata.dtype)).requires_grad_()
    energies, charges = checked_forward(module, metadata, kinds, edges, inputs, file)

    lr_energy, phi = 0.0, None
    forces, strain = torch.zeros_like(x), torch.zeros_like(h)
    settings = metadata.long_range
    if settings is not None and settings.equilibrates:
        assert charges is not None  # checked_forward
        outputs, total_charge = charges, total_charge or 0.0
        charges = _equilibrate(outputs, x, h, bool(periodic.all()), settings, k_cutoff, total_charge)
        energies = energies.to(x.dtype) + charge_energies(charges, *outputs.to(x.dtype).unbind(1))
        settings = of_fixed_charges(settings)
    objective = energies.sum()
    if charges is not None and settings is not None:
        lr_energy, forces, strain, phi, interacting = _long_range(
            x, charges.detach().to(x.dtype), h, bool(periodic.all()), settings, k_cutoff, total_charge
        )
        if charges.requires_grad:  # phi is projected: no charge but the network's own belongs here
            objective = objective + (phi.to(charges.dtype) * charges).sum()

    gradient = torch.zeros_like(vectors)
    if objective.requires_grad and len(vectors) > 0:  # an atom alone has nothing to differentiate
        (found,) = torch.autograd.grad(objective, inputs, allow_unused=True)
        if found is not None:
            gradient = found.to(x.dtype)
    forces = forces.index_add(0, centre, gradient).index_add(0, neighbour, -gradient)
    strain = strain + vectors.T @ gradient
    strain = 0.5 * (strain + strain.T)
    _require_finite(forces, "force", file)

    interaction_energy = float(energies.detach().to(x.dtype).sum()) + lr_energy
    return Evaluation(
        energy=total_reference_energy(metadata, indices) + interaction_energy,
        long_range_energy=lr_energy,
        atomic_energies=atomic_reference_energies(metadata, indices) + _array(energies),
        forces=_array(forces),
        strain_derivative=_array(strain) if periodic.all() else None,
        charges=None if phi is None else _array(interacting),
        latent_potential=None if phi is None else _array(phi),
    )


def checked_forward(
    module: torch.nn.Module,
    metadata: Metadata,
    species: Tensor,
    edge_index: Tensor,
    edge_vectors: Tensor,
    file: str | os.PathLike[str],
) -> tuple[Tensor, Tensor | None]:
    """Phase 1: energies [n] and charges [n], or electronegativities and hardnesses [n, 2], or None; all checked.

    The network gets contiguous tensors. The energies are without the reference energies of the metadata.

    Raises
    ------
    ContractError
        If the network fails, or returns something else than the contract says.
    GeometryError
        If what it returns is not finite.
    """
    n_atoms = species.shape[0]
    try:
        output = module(species.contiguous(), edge_index.contiguous(), edge_vectors.contiguous(), n_atoms)
    except (
        RuntimeError,
        IndexError,
        torch.jit.Error,
    ) as error:  # `raise` in TorchScript is a torch.jit.Error
        reason = str(error).strip().splitlines()[-1]
        raise ContractError(f"{file}: forward failed for {n_atoms} atoms: {reason}") from error
    settings, names = metadata.long_range, atomic_output_names(metadata)
    require_outputs(output, names, metadata, n_atoms, file)
    for name in names:
        _require_finite(output[name], name, file)
    if settings is None:
        return output["energy"], None
    if not settings.equilibrates:
        return output["energy"], output["charge"]
    check_hardness(output["hardness"], settings, file)
    return output["energy"], torch.stack([output["electronegativity"], output["hardness"]], dim=1)


def require_apart(edge_vectors: Tensor, edge_index: NDArray[np.int64]) -> None:
    """Raise `GeometryError` where two atoms are closer than `SMALLEST_DISTANCE`, ``edge_vectors [E, 3]`` in angstrom.

    In the words of LAMMPS, but for the numbers of the atoms: here they count from 0.
    """
    if len(edge_vectors) == 0:
        return
    distance, edge = edge_vectors.norm(dim=1).min(dim=0)
    if float(distance) < SMALLEST_DISTANCE:
        i, j = edge_index[:, int(edge)]
        raise GeometryError(
            f"atoms {i} and {j} are {float(distance):.3g} A apart, less than the {SMALLEST_DISTANCE} A from which a model "
            "has energies; delete one of them if it is a duplicate"
        )


def _require_finite(values: Tensor, name: str, file: str | os.PathLike[str]) -> None:
    """In the words of LAMMPS."""
    if not bool(torch.isfinite(values).all()):
        article = "an" if name[0] in "aeiou" else "a"
        raise GeometryError(
            f"model file '{file}' returned {article} {name} that is not finite: atoms are too close, or the configuration "
            "is far from the training data"
        )


def _equilibrate(
    outputs: Tensor,
    positions: Tensor,
    cell: Tensor,
    periodic: bool,
    settings: LongRange,
    k_cutoff: float | None,
    total_charge: float,
) -> Tensor:
    """Charges of least energy of one configuration, [N]; the forces are those at fixed charges."""
    return equilibrate(
        outputs.detach(),
        positions,
        cell[None],
        torch.tensor([periodic]),
        torch.zeros(len(positions), dtype=torch.int64, device=positions.device),
        torch.tensor([total_charge], dtype=torch.float64, device=positions.device),
        settings,
        k_cutoff,
    )


def _long_range(
    positions: Tensor,
    charges: Tensor,
    cell: Tensor,
    periodic: bool,
    settings: LongRange,
    k_cutoff: float | None,
    total_charge: float | None,
) -> tuple[float, Tensor, Tensor, Tensor, Tensor]:
    """Phase 2: E_lr; at fixed charges its forces [N, 3] and strain derivative [3, 3]; phi = dE_lr/dq [N]; projected q [N].

    The projection of `neutralize` or on `total_charge` is part of E_lr(q), so phi carries it too: both or neither.
    """
    positions = positions.clone().requires_grad_()
    charges = charges.clone().requires_grad_()
    strain = torch.zeros(3, 3, dtype=positions.dtype, device=positions.device, requires_grad=True)
    deformation = torch.eye(3, dtype=positions.dtype, device=positions.device) + strain
    if total_charge is None and settings.neutralize:
        total_charge = 0.0
    projected = charges if total_charge is None else project_charges(charges, total_charge)
    settings = replace(settings, neutralize=False)
    energy = long_range_energy(
        positions @ deformation,
        projected,
        (cell @ deformation)[None],
        torch.tensor([periodic], device=positions.device),
        torch.zeros(len(charges), dtype=torch.int64, device=positions.device),
        settings,
        k_cutoff=k_cutoff,
    ).sum()
    by_position, by_strain, phi = torch.autograd.grad(
        energy, [positions, strain, charges], allow_unused=True, materialize_grads=True
    )
    return float(energy.detach()), -by_position, by_strain, phi, projected.detach()


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().double().cpu().numpy()
