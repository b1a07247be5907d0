# SPDX-License-Identifier: MIT
"""Energy, forces, stress and charges of a batch of frames: network plus long-range energy, one gradient.

Training, errors against labels, model files, the ASE calculator and observables all evaluate through this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ..data.batches import Batch
from ..installation import fused_operators
from ..long_range.energy import converged_k_cutoff, long_range_energy, training_k_cutoff
from ..long_range.equilibration import charge_energies, equilibrate, with_fixed_sum
from ..long_range.projection import project_charges
from ..long_range.slab import slab_energy
from ..model_file.metadata import LongRange
from ..net.edge_vectors import edge_vectors

Network = Callable[..., tuple[Tensor, Tensor]]
"""Map species, edge_index, edge_vectors and n_local to energies [N] and outputs for the charges: charges [N], or
electronegativities and hardnesses [N, 2], or a tensor of any length without long range. A network that is conditioned on the
charge state takes the charge per atom, [N], as a fifth argument."""


@dataclass(frozen=True)
class Prediction:
    """Predictions of a model for a batch of B frames with N atoms in total, without reference energies.

    Parameters
    ----------
    energy
        [B], eV, float64.
    forces
        [N, 3], eV/angstrom, float64.
    stress
        [B, 3, 3], eV/angstrom^3 (in the sign of ASE), float64, 0 for isolated frames; None where not requested.
    charge
        [N], e, in the dtype of the network: its own charges, before the shift to a total charge. None without long range.
    positions
        [N, 3], what `charge` can be differentiated by; None unless the graph is kept.
    strain_derivative
        [B, 3, 3], eV, ``dE/d eps`` of a symmetric strain: `stress` times the volume.
    atomic_energy
        [N], eV, float64: short-range energies, with charge equilibration including those of the charges.
    long_range_energy
        [B], eV; None without long range.
    interacting_charge, latent_potential
        [N], e, the charges after the shift, and ``dE_lr/dq`` of the charges before it, eV/e, both in the dtype of the
        long-range energy. None without long range; the potential is None in training, too.
    """

    energy: Tensor
    forces: Tensor
    stress: Tensor | None = None
    charge: Tensor | None = None
    positions: Tensor | None = None
    strain_derivative: Tensor | None = None
    atomic_energy: Tensor | None = None
    long_range_energy: Tensor | None = None
    interacting_charge: Tensor | None = None
    latent_potential: Tensor | None = None

    def detach(self) -> Prediction:
        """Return the same numbers without their graph."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value.detach() for name, value in values.items() if value is not None})


def predict(
    network: Network,
    long_range: LongRange | None,
    batch: Batch,
    dtype: torch.dtype,
    *,
    stress: bool = False,
    training: bool = False,
    condition_on_charge: bool = False,
    total_charge: Tensor | None = None,
    long_range_dtype: torch.dtype | None = None,
    k_cutoff: float | None = None,
    field: Tensor | None = None,
) -> Prediction:
    """Evaluate a batch.

    The total energy ``sum e_i + E_lr(q, x)`` is one expression of positions and strain, so its one gradient
    contains the chain term ``-sum_j phi_j dq_j/dr`` (docs/theory/forces.md).

    Parameters
    ----------
    network
        Energies and charges of all atoms.
    long_range
        None: no long-range energy.
    batch
        Positions in float64; edge vectors are formed in float64 and only then rounded to `dtype`.
    dtype
        Of the network.
    stress
        Whether to differentiate with respect to strain as well.
    training
        Whether the result keeps its graph, for a loss that contains forces.
    condition_on_charge
        Whether the network takes the total charge per atom of each frame, which the batch must then have.
    total_charge
        [B], e: the charges of each frame are shifted alike so that they add up to it. None: see `fixed_total_charge`.
    long_range_dtype
        Of the long-range energy, and the accuracy to which its k sum is converged; None: `dtype`.
    k_cutoff
        As in `long_range_energy`; None: converged, or as far as training needs it.
    field
        [3], V/angstrom, of charges that the network gives; positions are then taken as they are, unwrapped.
    """
    long_range_dtype = long_range_dtype or dtype
    with torch.enable_grad():
        positions = batch.positions.detach().requires_grad_(True)
        strain = torch.zeros_like(batch.cell, requires_grad=stress)
        deformed = replace(batch, positions=positions)
        if stress:
            deformed = deform_batch(deformed, 0.5 * (strain + strain.transpose(1, 2)))
        atomic_energy, outputs = apply_network(network, deformed, dtype, condition_on_charge)
        atomic_energy = atomic_energy.double()
        charge, charges, interacting, long_range_part = None, None, None, None
        if long_range is not None:
            if total_charge is None:
                total_charge = fixed_total_charge(long_range, batch)
            if k_cutoff is None:
                choose_cutoff = training_k_cutoff if training else converged_k_cutoff
                k_cutoff = choose_cutoff(long_range.sigma, long_range_dtype)
            # The energy of equilibrated charges is stationary in them: its gradient holds them fixed.
            fixed = long_range.equilibrates and not training
            charge = charges_from_outputs(
                outputs.detach() if fixed else outputs, long_range, batch, total_charge, k_cutoff
            )
            if long_range.equilibrates:
                atomic_energy = atomic_energy + charge_energies(charge, *outputs.double().unbind(1))
            charges = charge.to(long_range_dtype)
            if not charges.requires_grad:
                charges = charges.detach().requires_grad_(True)
            interacting = shift_charges(charges, batch, total_charge)
            long_range_part = batch_long_range_energy(
                deformed, interacting, long_range, total_charge is not None, k_cutoff
            )
            if field is not None:
                of_atoms = -interacting.double() * (deformed.positions @ field)
                long_range_part = long_range_part.double().index_add(0, batch.frame, of_atoms)
        # Positions enter with a factor 0, so that frames of lone atoms have a gradient, too.
        energy = (torch.zeros_like(batch.energy) + 0.0 * positions.sum()).index_add(
            0, batch.frame, atomic_energy
        )
        if long_range_part is not None:
            energy = energy + long_range_part.double()
        inputs = [positions, *([strain] if stress else [])]
        if charges is not None and not training:
            inputs.append(charges)
        gradients = torch.autograd.grad(
            energy.sum(), inputs, create_graph=training, allow_unused=True, materialize_grads=True
        )
    strain_derivative = torch.where(batch.periodic[:, None, None], gradients[1], 0.0) if stress else None
    volume = torch.linalg.det(batch.cell).abs().clamp(min=1e-300)[:, None, None]
    prediction = Prediction(
        energy=energy,
        forces=-gradients[0],
        strain_derivative=strain_derivative,
        stress=None if strain_derivative is None else strain_derivative / volume,
        charge=None if charge is None else charge.to(dtype),
        positions=positions if training else None,
        atomic_energy=atomic_energy,
        long_range_energy=long_range_part,
        interacting_charge=interacting,
        latent_potential=gradients[-1] if charges is not None and not training else None,
    )
    return prediction if training else prediction.detach()


def apply_network(
    network: Network, batch: Batch, dtype: torch.dtype, condition_on_charge: bool = False
) -> tuple[Tensor, Tensor]:
    """Return energies and outputs for the charges of all atoms in `dtype`, as functions of the positions and shifts of a batch."""
    if fused_operators.load() and batch.positions.device.type == "cpu":
        vectors = torch.ops.pair_les.edge_vectors(batch.positions, batch.edge_index, batch.shifts, dtype)
    else:
        vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, dtype)
    charge_inputs = []
    if condition_on_charge:
        charge_per_atom = batch.known_charge_labels().total_charge / batch.n_atoms
        charge_inputs.append(charge_per_atom[batch.frame].to(dtype))
    return network(batch.species, batch.edge_index, vectors, len(batch.species), *charge_inputs)


def fixed_total_charge(long_range: LongRange, batch: Batch) -> Tensor | None:
    """Return the sum [B], e, to which a model constrains the charges of each frame; None where the sum is free.

    It is the total charge of the labels, or 0 without them (docs/theory/forces.md).
    """
    if not long_range.neutralize:
        return None
    labels = batch.charge_labels
    return torch.zeros_like(batch.energy) if labels is None else labels.total_charge


def charges_from_outputs(
    outputs: Tensor,
    long_range: LongRange,
    batch: Batch,
    total_charge: Tensor | None,
    k_cutoff: float | None = None,
    *,
    differentiable: bool = False,
) -> Tensor:
    """Return the charges [N], e, that follow from outputs of a network: the charges themselves, or equilibrated ones in float64.

    Parameters
    ----------
    outputs
        Charges [N], or electronegativities and hardnesses [N, 2].
    long_range, batch
        As in `predict`.
    total_charge
        [B], e, of charge equilibration.
    k_cutoff, differentiable
        As in `equilibrate`.
    """
    if not long_range.equilibrates:
        return outputs
    assert total_charge is not None  # of every model with charge equilibration
    return equilibrate(
        outputs,
        batch.positions,
        batch.cell,
        batch.periodic,
        batch.frame,
        total_charge,
        long_range,
        k_cutoff,
        differentiable=differentiable,
    )


def shift_charges(charges: Tensor, batch: Batch, total_charge: Tensor | None) -> Tensor:
    """Return charges [N] that add up to the total charge [B] of each frame (`project_charges`); unchanged where that is None."""
    return charges if total_charge is None else project_charges(charges, total_charge, batch.frame)


def deform_batch(batch: Batch, strain: Tensor) -> Batch:
    """Return a batch with positions, lattice vectors and shifts ``x + x @ strain``, one symmetric strain [3, 3] for each frame."""
    of_edge = batch.frame[batch.edge_index[0]]
    return replace(
        batch,
        positions=batch.positions + torch.bmm(batch.positions[:, None, :], strain[batch.frame]).squeeze(1),
        shifts=batch.shifts + torch.bmm(batch.shifts[:, None, :], strain[of_edge]).squeeze(1),
        cell=batch.cell + batch.cell @ strain,
    )


def batch_long_range_energy(
    batch: Batch, charges: Tensor, long_range: LongRange, projected: bool, k_cutoff: float
) -> Tensor:
    """Return the long-range energy of each frame, [B], eV, slabs included; `projected` charges have the sum that they must have."""
    if projected:
        long_range = with_fixed_sum(long_range)
    energy = long_range_energy(
        batch.positions.to(charges.dtype),
        charges,
        batch.cell.to(charges.dtype),
        batch.periodic,
        batch.frame,
        long_range,
        k_cutoff=k_cutoff,
    )
    if batch.slab is None:
        return energy
    return energy.double() + slab_energy(
        batch.positions, charges.double(), batch.cell, batch.slab, batch.frame, long_range.coulomb_constant
    )
