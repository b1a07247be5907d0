# SPDX-License-Identifier: MIT
"""Charges that add up to a given total."""

from __future__ import annotations

from torch import Tensor


def project_charges(charges: Tensor, total_charge: float) -> Tensor:
    """``q - (sum q - Q) / N``: charges whose sum is Q, [N]; the same shift for every atom (`neutralize`: Q = 0).

    Whatever is differentiated through it is projected, too: ``dE/dq`` loses its mean.

    Parameters
    ----------
    charges
        [N], e.
    total_charge
        Q, e.
    """
    if len(charges) == 0:
        return charges
    return charges - (charges.sum() - total_charge) / len(charges)
