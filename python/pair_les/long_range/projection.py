# SPDX-License-Identifier: MIT
"""Projection of charges on a given sum."""

from __future__ import annotations

import torch
from torch import Tensor


def project_charges(charges: Tensor, total_charge: float | Tensor, frame: Tensor | None = None) -> Tensor:
    """Return ``q - (sum q - Q) / N``, [N], e: charges whose sum is Q, by the same shift for every atom (`neutralize`: Q = 0).

    A derivative that is taken through the projection is projected, too: ``dE/dq`` loses its mean.

    Parameters
    ----------
    charges
        [N], e.
    total_charge
        Q, e; [B] with `frame`.
    frame
        [N] int64, the frame of each atom: each of B frames is projected on its own Q. None: all atoms are one frame.
    """
    if len(charges) == 0:
        return charges
    if frame is None:
        return charges - (charges.sum() - total_charge) / len(charges)
    target = torch.as_tensor(total_charge, dtype=charges.dtype, device=charges.device)
    excess = torch.zeros_like(target).index_add(0, frame, charges) - target
    n_atoms = torch.bincount(frame, minlength=len(target))
    return charges - (excess / n_atoms)[frame]
