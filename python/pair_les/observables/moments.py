# SPDX-License-Identifier: MIT
"""Moments of point charges as pure functions of torch tensors, differentiable (docs/theory/response.md).

Charges in e, lengths in angstrom. Latent charges contain the electronic screening; whatever is linear in them
becomes physical by the factor ``sqrt(eps)`` of `physical_charges`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import UserError


def physical_charges(charges: Tensor, eps: float) -> Tensor:
    """``sqrt(eps) q``: physical charges of latent ones (Zhong et al. 2025).

    Parameters
    ----------
    charges
        [N], latent, e.
    eps
        Electronic (high-frequency) relative permittivity, >= 1: 1 for a molecule in vacuum, 1.78 for water.

    Raises
    ------
    UserError
        If `eps` is below 1.
    """
    return electronic_scale(eps) * charges


def electronic_scale(eps: float) -> float:
    """``sqrt(eps)``.

    Raises
    ------
    UserError
        If `eps` is not a number >= 1.
    """
    if not (math.isfinite(eps) and eps >= 1.0):
        raise UserError(
            f"eps is {eps}: must be >= 1, the electronic permittivity (1 in vacuum, 1.78 for water)"
        )
    return math.sqrt(eps)


def dipole(charges: Tensor, positions: Tensor) -> Tensor:
    """``sum_i q_i r_i``, [3], e angstrom; of charges that do not add up to 0 it depends on the origin."""
    return charges @ positions


def quadrupole(charges: Tensor, positions: Tensor) -> Tensor:
    """``sum_i q_i r_i r_i``, [3, 3], e angstrom^2, trace included; depends on the origin unless there is no dipole."""
    return positions.T @ (charges[:, None] * positions)


def traceless(moment: Tensor) -> Tensor:
    """A quadrupole without its trace, ``Q - tr(Q)/3``, [3, 3]: the part that interacts with fields from outside."""
    return moment - torch.eye(3, dtype=moment.dtype, device=moment.device) * moment.trace() / 3.0


def polarization(charges: Tensor, positions: Tensor, cell: Tensor) -> Tensor:
    """``P_g = sum_i q_i exp(2 pi i s_ig) / (2 pi i)`` along each lattice vector, complex [3], e.

    `s` are the fractional coordinates ``x = s @ cell``. The real part times the lattice vectors is a dipole
    per cell once everything is small against the cell; only changes of it mean something in general.
    """
    angle = 2.0 * math.pi * positions @ torch.linalg.inv(cell)  # [N, g]
    return torch.complex(charges @ torch.sin(angle), -(charges @ torch.cos(angle))) / (2.0 * math.pi)
