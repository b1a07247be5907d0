# SPDX-License-Identifier: MIT
"""Labels of charges as tensors: total charges, dipoles, Born effective charges, charges of fragments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class ChargeLabels:
    """Labels of the charges of B frames with N atoms: ``total_charge`` [B], e; ``dipole`` [B, 3], e angstrom, and ``bec`` [N, 3, 3], e, with
    indices [atom, polarization, displacement]; NaN without a label. float64. ``fragment`` int64 [N], the number of the
    fragment of its frame that an atom belongs to, below 0 for none; ``fragment_charge`` [N], e, the charge of that fragment.
    """

    total_charge: Tensor
    dipole: Tensor
    bec: Tensor
    fragment: Tensor
    fragment_charge: Tensor

    def to(self, device: torch.device, non_blocking: bool = False) -> ChargeLabels:
        """The labels on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=non_blocking) for f in fields(self)}
        return ChargeLabels(**moved)


def join_charge_labels(labels: Sequence[ChargeLabels | None]) -> ChargeLabels | None:
    """Concatenate the labels of the frames of a batch; None unless every frame has them."""
    known = [label for label in labels if label is not None]
    if not known or len(known) != len(labels):
        return None
    return ChargeLabels(
        **{f.name: torch.cat([getattr(label, f.name) for label in known]) for f in fields(ChargeLabels)}
    )
