# SPDX-License-Identifier: MIT
"""Squared errors of energies, forces and stresses: the loss of one batch, and the RMSE of many."""

from __future__ import annotations

import math

import torch
import torch.distributed as dist
from torch import Tensor

from ..data.batches import Batch
from ..evaluation.prediction import Prediction
from .config_loss import LossSection

KINDS = ("energy", "forces", "stress")
"""eV/atom, eV/angstrom per component, eV/angstrom^3 per component of the nine."""


def squared_errors(prediction: Prediction, batch: Batch, weighted: bool = False) -> tuple[Tensor, Tensor]:
    """Sums of squared errors [3] in the order of `KINDS`, and how many numbers went into each [3].

    Energy errors are per atom. Frames without a label of a kind do not count there; frames that are not counted do not at all.

    Parameters
    ----------
    prediction, batch
        Of the same frames.
    weighted
        Whether each square is multiplied by the weight of its frame; the numbers are counted as they are.
    """
    counting = batch.counting
    of_energy, of_forces = batch.has_energy & counting, batch.has_forces & counting[batch.frame]
    errors = [
        ((prediction.energy - batch.energy) / batch.n_atoms)[of_energy],
        (prediction.forces - batch.forces)[of_forces],
    ]
    frames = [of_energy.nonzero()[:, 0], batch.frame[of_forces]]  # of each error
    if prediction.stress is None:
        errors.append(errors[0][:0])
        frames.append(frames[0][:0])
    else:
        of_stress = batch.has_stress & counting
        errors.append(prediction.stress[of_stress] - batch.stress[of_stress])
        frames.append(of_stress.nonzero()[:, 0])
    squares = [error.square() for error in errors]
    if weighted and batch.weight is not None:
        weights = [batch.weight[frame, kind] for kind, frame in enumerate(frames)]
        squares = [
            square * weight.reshape(-1, *[1] * (square.dim() - 1))
            for square, weight in zip(squares, weights, strict=True)
        ]
    sums = torch.stack([square.sum() for square in squares])
    return sums, torch.tensor([error.numel() for error in errors], dtype=sums.dtype, device=sums.device)


def weighted_loss(sums: Tensor, counts: Tensor, weights: LossSection) -> Tensor:
    """``sum_kind weight * mean squared error``; a kind without labels adds nothing."""
    factors = torch.tensor([getattr(weights, kind) for kind in KINDS], dtype=sums.dtype, device=sums.device)
    return (factors * sums / counts.clamp(min=1.0)).sum()


def over_processes(values: Tensor) -> Tensor:
    """The sum of a tensor over all processes; every process must ask."""
    total = values.detach().clone()
    if dist.is_initialized():
        dist.all_reduce(total)
    return total


class ErrorSums:
    """Sums and counts over the batches of an epoch; part of a checkpoint within an epoch."""

    def __init__(self) -> None:
        self.values = torch.zeros(2, len(KINDS), dtype=torch.float64)

    def add(self, sums: Tensor, counts: Tensor) -> None:
        """Add one batch."""
        self.values += torch.stack([sums.detach(), counts]).to(self.values)

    def reset(self) -> None:
        """Reset the sums at the start of an epoch."""
        self.values = torch.zeros_like(self.values)

    def over_processes(self, device: torch.device) -> Tensor:
        """[2, 3] sums and counts of all processes together; every process must ask."""
        return over_processes(self.values.to(device)).cpu()


def rmse(totals: Tensor) -> dict[str, float | None]:
    """RMSE of each kind in meV/atom, meV/A, meV/A^3 from [2, 3] sums and counts; None without labels."""
    pairs = zip(totals[0].tolist(), totals[1].tolist(), strict=True)
    values = [1000.0 * math.sqrt(total / count) if count else None for total, count in pairs]
    return dict(zip(KINDS, values, strict=True))
