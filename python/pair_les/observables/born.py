# SPDX-License-Identifier: MIT
"""Born effective charges of environment-dependent charges by vector-Jacobian products (docs/theory/response.md).

::

    periodic  Z_i,ab = q_i delta_ab + sum_g h_ga sum_j sin(2 pi (s_jg - s_ig)) / (2 pi) dq_j/dr_ib
    isolated  Z_i,ab = q_i delta_ab + sum_j r_ja dq_j/dr_ib

Index order ``[atom, a, b]``: a is the direction of the polarization, b that of the displacement; the rows h are
lattice vectors, s fractional coordinates. The sine is the difference of two products, so that six
vector-Jacobian products serve all atoms. Source: Zhong et al. 2025.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import GeometryError


def born_charges(charges: Tensor, positions: Tensor, cell: Tensor, periodic: bool | Sequence[bool]) -> Tensor:
    """Born effective charges in units of the charges given.

    Parameters
    ----------
    charges
        [N], e, computed from `positions` by torch (any projection of them included).
    positions
        [N, 3], angstrom, with ``requires_grad``.
    cell
        [3, 3], rows are lattice vectors, angstrom; ignored along directions that are not periodic.
    periodic
        One flag or three. A direction that is not periodic must be at right angles to the others: along it
        the isolated formula holds.

    Returns
    -------
    [N, 3, 3], e, indices [atom, polarization, displacement]; without graph.

    Raises
    ------
    GeometryError
        If the directions that are not periodic are not at right angles to the others.
    """
    flags = [periodic] * 3 if isinstance(periodic, bool) else [bool(flag) for flag in periodic]
    one = torch.zeros(len(charges), dtype=torch.int64, device=positions.device)
    flag = torch.tensor([flags], device=positions.device)
    return _born(charges, positions, _lattice(cell, flags)[None], flag, one, create_graph=False).detach()


def born_of_batch(
    charges: Tensor,
    positions: Tensor,
    cell: Tensor,
    periodic: Tensor,
    frame: Tensor,
    *,
    create_graph: bool = False,
) -> Tensor:
    """Born effective charges of B frames with N atoms in all, which do not see each other, [N, 3, 3].

    Parameters
    ----------
    charges, positions
        [N] and [N, 3], as in `born_charges`.
    cell
        [B, 3, 3]; ignored for isolated frames.
    periodic
        [B] bool: in all three directions, or none.
    frame
        [N], the frame of each atom.
    create_graph
        Whether the result can be differentiated.
    """
    lattice = torch.where(periodic[:, None, None], cell, torch.eye(3, dtype=cell.dtype, device=cell.device))
    flags = periodic[:, None].expand(-1, 3)
    return _born(charges, positions, lattice, flags, frame, create_graph)


def _born(
    charges: Tensor, positions: Tensor, lattice: Tensor, periodic: Tensor, frame: Tensor, create_graph: bool
) -> Tensor:
    """The formulas of this module; `lattice` [B, 3, 3], `periodic` [B, 3]."""
    x = positions.detach()
    fractional = torch.einsum("na,nag->ng", x, torch.linalg.inv(lattice)[frame])
    born = charges[:, None, None] * torch.eye(3, dtype=x.dtype, device=x.device)
    for direction in range(3):
        s = fractional[:, direction]
        is_periodic = periodic[frame, direction]
        sine, cosine = torch.sin(2.0 * math.pi * s), torch.cos(2.0 * math.pi * s)
        # sin(a_j - a_i) = sin a_j cos a_i - cos a_j sin a_i; one weight, s_j itself, where not periodic
        first = torch.where(is_periodic, sine / (2.0 * math.pi), s)
        moved = torch.where(is_periodic, cosine, 1.0)[:, None] * _product(
            first, charges, positions, create_graph
        )
        if bool(is_periodic.any()):
            second = torch.where(is_periodic, cosine / (2.0 * math.pi), 0.0)
            moved = moved - sine[:, None] * _product(second, charges, positions, create_graph)
        born = born + lattice[frame, direction][:, :, None] * moved[:, None, :]  # [atom, a, b]
    return born


def _product(weight: Tensor, charges: Tensor, positions: Tensor, create_graph: bool) -> Tensor:
    """``sum_j w_j dq_j/dr_ib``, [N, 3]."""
    if not charges.requires_grad:
        return torch.zeros_like(positions)
    (found,) = torch.autograd.grad(
        charges,
        positions,
        weight.to(charges.dtype),
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )
    return found


def _lattice(cell: Tensor, periodic: list[bool]) -> Tensor:
    """The cell with unit vectors along the directions that are not periodic, [3, 3]."""
    lattice = cell.detach().clone()
    for direction in range(3):
        if not periodic[direction]:
            lattice[direction] = torch.eye(3, dtype=cell.dtype, device=cell.device)[direction]
    for direction in range(3):
        others = [row for row in range(3) if row != direction and periodic[row]]
        if not periodic[direction] and any(float(lattice[row, direction].abs()) > 1e-9 for row in others):
            raise GeometryError(
                f"the cell is periodic along {others} but not along {direction}, and leans over: "
                "make the direction that is not periodic a right angle to the others"
            )
    return lattice
