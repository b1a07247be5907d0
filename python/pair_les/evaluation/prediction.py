# SPDX-License-Identifier: MIT
"""Energy, forces, stress and charges of a batch: network plus long-range energy, one gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..data.batches import Batch
from ..installation import fused_operators as fused
from ..long_range.energy import converged_k_cutoff, long_range_energy, training_k_cutoff
from ..long_range.equilibration import charge_energies, equilibrate, of_fixed_charges
from ..long_range.slab import slab_energy
from ..model_file.metadata import LongRange
from ..net.edge_vectors import edge_vectors

Network = Callable[..., tuple[Tensor, Tensor]]
"""species, edge_index, edge_vectors, n_local -> energy [N], charge [N] (any length without long range); a network that is told the
charge state takes the charge per atom, [N], as a fifth argument."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of a batch of B frames and N atoms.

    ``energy`` [B], eV; ``forces`` [N, 3], eV/angstrom; ``stress`` [B, 3, 3], eV/angstrom^3 (ASE's sign; 0 for
    isolated frames), or None where not asked for; ``charge`` [N], e, or None without long range. float64,
    except ``charge``. ``positions`` [N, 3] are what ``charge`` can be differentiated by, where the graph is kept.
    """

    energy: Tensor
    forces: Tensor
    stress: Tensor | None
    charge: Tensor | None
    positions: Tensor | None = None


def predict(
    network: Network,
    long_range: LongRange | None,
    batch: Batch,
    dtype: torch.dtype,
    *,
    stress: bool = False,
    training: bool = False,
    tell_charge: bool = False,
) -> Prediction:
    """Evaluate a batch.

    The total energy ``sum e_i + E_lr(q, x)`` is one expression of positions and strain, so its one gradient
    contains the chain term ``-sum_j phi_j dq_j/dr`` (docs/theory/forces.md) without further ado.

    Parameters
    ----------
    network
        Energies and charges of all atoms.
    long_range
        None: no long-range energy.
    batch
        Positions in float64; edge vectors are formed in float64 and only then rounded to `dtype`.
    dtype
        Of the network, and of the accuracy to which the k sum is converged.
    stress
        Whether to differentiate with respect to strain as well.
    training
        Whether the result keeps its graph, for a loss that contains forces.
    tell_charge
        Whether the network is told the total charge per atom of each frame, which the batch must then have.
    """
    with torch.enable_grad():
        positions = batch.positions.detach().requires_grad_(True)
        strained, shifts, cell = positions, batch.shifts, batch.cell
        strain = torch.zeros_like(cell)
        if stress:
            strain.requires_grad_(True)
            deformation = 0.5 * (strain + strain.transpose(1, 2))
            strained = positions + torch.bmm(positions[:, None, :], deformation[batch.frame]).squeeze(1)
            of_edge = batch.frame[batch.edge_index[0]]
            shifts = shifts + torch.bmm(shifts[:, None, :], deformation[of_edge]).squeeze(1)
            cell = cell + cell @ deformation
        if fused.load() and strained.device.type == "cpu":
            vectors = torch.ops.pair_les.edge_vectors(strained, batch.edge_index, shifts, dtype)
        else:
            vectors = edge_vectors(strained, batch.edge_index, shifts, dtype)
        told = []
        if tell_charge:
            told.append((batch.known_charge_labels().total_charge / batch.n_atoms)[batch.frame].to(dtype))
        n_atoms = batch.species.shape[0]
        atomic, charge = network(batch.species, batch.edge_index, vectors, n_atoms, *told)
        # Positions enter with a factor 0, so that frames of lone atoms have a gradient, too.
        nothing = torch.zeros_like(batch.energy) + 0.0 * positions.sum()
        energy = nothing.index_add(0, batch.frame, atomic.double())
        if long_range is not None:
            far_enough = training_k_cutoff if training else converged_k_cutoff
            if long_range.equilibrates:
                outputs = charge
                charge = _equilibrated(
                    outputs if training else outputs.detach(),
                    long_range,
                    batch,
                    far_enough(long_range.sigma, dtype),
                )
                own = charge_energies(charge, *outputs.double().unbind(1))
                energy = energy.index_add(0, batch.frame, own)
                charge = charge.to(dtype)
            interacting, settings = _of_total_charge(charge, long_range, batch)
            energy = (
                energy
                + long_range_energy(
                    strained.to(dtype),
                    interacting,
                    cell.to(dtype),
                    batch.periodic,
                    batch.frame,
                    settings,
                    k_cutoff=far_enough(long_range.sigma, dtype),
                ).double()
            )
            if batch.slab is not None:
                energy = energy + slab_energy(
                    strained,
                    _shifted(interacting.double(), batch, 0.0)
                    if settings.neutralize
                    else interacting.double(),
                    cell,
                    batch.slab,
                    batch.frame,
                    settings.coulomb_constant,
                )
        inputs = [positions, strain] if stress else [positions]
        gradients = torch.autograd.grad(
            energy.sum(), inputs, create_graph=training, allow_unused=True, materialize_grads=True
        )
    volume = torch.linalg.det(batch.cell).abs().clamp(min=1e-300)[:, None, None]
    return Prediction(
        energy=energy if training else energy.detach(),
        forces=-gradients[0],
        stress=torch.where(batch.periodic[:, None, None], gradients[1] / volume, 0.0) if stress else None,
        charge=None if long_range is None else (charge if training else charge.detach()),
        positions=positions if training else None,
    )


def _equilibrated(outputs: Tensor, long_range: LongRange, batch: Batch, k_cutoff: float) -> Tensor:
    """Charges [N] of least energy, float64; with a graph where `outputs` have one."""
    labels = batch.charge_labels
    total = torch.zeros_like(batch.energy) if labels is None else labels.total_charge
    return equilibrate(
        outputs, batch.positions, batch.cell, batch.periodic, batch.frame, total, long_range, k_cutoff
    )


def _of_total_charge(charge: Tensor, long_range: LongRange, batch: Batch) -> tuple[Tensor, LongRange]:
    """Charges that add up to the total charge of each frame where it is known and the model fixes the sum.

    ``neutralize`` is this projection for neutral frames (docs/theory/forces.md); see also `project_charges`.
    """
    if long_range.equilibrates:
        return charge, of_fixed_charges(long_range)
    if not long_range.neutralize or batch.charge_labels is None:
        return charge, long_range
    total_charge = batch.charge_labels.total_charge.to(charge.dtype)
    return _shifted(charge, batch, total_charge), replace(long_range, neutralize=False)


def _shifted(charge: Tensor, batch: Batch, total_charge: Tensor | float) -> Tensor:
    """Charges [N], those of each frame shifted alike so that they add up to the total charge [B], e."""
    totals = torch.zeros_like(batch.energy, dtype=charge.dtype).index_add(0, batch.frame, charge)
    return charge - ((totals - total_charge) / batch.n_atoms)[batch.frame]
