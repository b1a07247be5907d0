# SPDX-License-Identifier: MIT
"""Optional parts of the loss that look at charges: sums, dipoles, Born effective charges; never charges themselves.

Partial charges of an electronic-structure method depend on how it divides its density, and are not trained on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.batches import Batch
from ..evaluation.prediction import Prediction
from ..observables.born import born_of_batch
from ..observables.moments import electronic_scale
from .config_loss import ChargeLossSection


def charge_loss(prediction: Prediction, batch: Batch, weights: ChargeLossSection) -> Tensor:
    """Sum over the parts of weight times mean square, a scalar; arguments and parts as `charge_squares`."""
    sums, counts = charge_squares(prediction, batch, weights)
    return (sums / counts.clamp(min=1.0)).sum()


def charge_squares(prediction: Prediction, batch: Batch, weights: ChargeLossSection) -> tuple[Tensor, Tensor]:
    """Weight times sum of squares of each part, [5], and how many numbers went into each, [5].

    ``neutrality`` and ``fragments``: charges of a frame or fragment minus its total charge, e. ``conservation``: derivative
    of the sum of charges by each coordinate, e/angstrom. ``dipole`` and ``bec``: components of the errors, e angstrom and e.

    Sums are over the frames, fragments or components of this process that have the label and count. Dipoles are those of isolated
    frames; dipoles and Born effective charges are those of charges shifted to the total charge Q of each frame,
    times ``sqrt(eps)``.

    Parameters
    ----------
    prediction
        With charges as functions of its positions (``training=True``).
    batch
        With charge labels.
    weights
        Of the parts; a part of weight 0 costs nothing.
    """
    labels, counting = batch.known_charge_labels(), batch.counting
    assert prediction.charge is not None and prediction.positions is not None  # of a training prediction
    counting_atoms = counting[batch.frame]
    charge = prediction.charge.double()
    totals = torch.zeros_like(batch.energy).index_add(0, batch.frame, charge)
    excess = totals - labels.total_charge
    errors = [charge.new_zeros(0)] * 5
    if weights.neutrality > 0.0:
        errors[0] = excess[counting]
    known = (labels.fragment >= 0) & counting_atoms
    if weights.fragments > 0.0 and bool(known.any()):
        numbers = batch.frame * (labels.fragment.max() + 1) + labels.fragment  # in all frames
        _, fragment, n_atoms = torch.unique(numbers[known], return_inverse=True, return_counts=True)
        share = labels.fragment_charge[known] / n_atoms[fragment]
        errors[1] = charge.new_zeros(len(n_atoms)).index_add(0, fragment, charge[known] - share)
    if weights.conservation > 0.0:
        (slope,) = torch.autograd.grad(
            charge.sum(), prediction.positions, create_graph=True, allow_unused=True, materialize_grads=True
        )
        errors[2] = slope[counting_atoms]

    shifted = charge - (excess / batch.n_atoms)[batch.frame]
    scale = electronic_scale(weights.eps)
    if weights.dipole > 0.0:
        moments = torch.zeros_like(labels.dipole).index_add(
            0, batch.frame, shifted[:, None] * batch.positions
        )
        known = labels.dipole.isfinite().all(dim=1) & ~batch.periodic & counting
        if bool(known.any()):
            errors[3] = scale * moments[known] - labels.dipole[known]
    if weights.bec > 0.0:
        known = labels.bec.isfinite().all(dim=2).all(dim=1) & counting_atoms
        if bool(known.any()):
            born = born_of_batch(
                shifted, prediction.positions, batch.cell, batch.periodic, batch.frame, create_graph=True
            )
            errors[4] = scale * born[known] - labels.bec[known]
    parts = (weights.neutrality, weights.fragments, weights.conservation, weights.dipole, weights.bec)
    sums = [weight * error.square().sum() for weight, error in zip(parts, errors, strict=True)]
    return torch.stack(sums), sums[0].new_tensor([float(error.numel()) for error in errors])
