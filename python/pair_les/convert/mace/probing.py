# SPDX-License-Identifier: MIT
"""Linear maps of e3nn modules as matrices: what a module makes of unit vectors.

Normalizations and the order of weights belong to e3nn; probing depends on neither. Blocks are the entries of irreps, such as
``128x1o``; equivariance makes the map between two blocks of degree l the same for all 2 l + 1 components, so that one is probed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def linear_maps(function: Callable[[Tensor], Tensor], irreps_in: Any, irreps_out: Any) -> list[list[Tensor]]:
    """Matrices ``[n_in, n_out]`` of the multiplicities, by number of the block in and out; empty ones for blocks of different irreps.

    Parameters
    ----------
    function
        An equivariant linear map, float64 [n, irreps_in.dim] to [n, irreps_out.dim].
    irreps_in, irreps_out
        e3nn's irreps, not necessarily simplified.
    """
    found: list[list[Tensor]] = []
    for (n_in, irrep), range_in in zip(irreps_in, irreps_in.slices(), strict=True):
        units = torch.zeros(n_in, irreps_in.dim, dtype=torch.float64)
        units[torch.arange(n_in), range_in.start + torch.arange(n_in) * irrep.dim] = 1.0
        results = function(units)
        row = []
        for (n_out, other), range_out in zip(irreps_out, irreps_out.slices(), strict=True):
            part = results[:, range_out].reshape(n_in, n_out, other.dim)[:, :, 0]
            row.append(part if other == irrep else part[:0])
        found.append(row)
    return found


def stacked_maps(maps: list[list[Tensor]], irreps_in: Any, irreps_out: Any, n_in: int, n_out: int) -> Tensor:
    """One matrix per component of the blocks in, ``[sum(2 l + 1), n_in, n_out]``, to the only block out of the same irrep; padded with zeros.

    A block without one has zeros.
    """
    rows: list[Tensor] = []
    for number, (_, irrep) in enumerate(irreps_in):
        matrix = torch.zeros(n_in, n_out, dtype=torch.float64)
        for other, part in enumerate(maps[number]):
            if irreps_out[other].ir == irrep:
                matrix[: part.size(0), : part.size(1)] = part
        rows.extend([matrix] * irrep.dim)
    return torch.stack(rows)


def harmonics_of_monomials(
    spherical_harmonics: torch.nn.Module, powers: Callable[[Tensor], Tensor]
) -> Tensor:
    """Harmonics of minus a unit vector as combinations of monomials of it, ``[n_harmonics, n_monomials]``."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(200, 3, generator=generator, dtype=torch.float64)
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    matrix = torch.linalg.lstsq(powers(unit), spherical_harmonics(-unit)).solution.t()
    return torch.where(matrix.abs() < 1e-12, torch.zeros_like(matrix), matrix)


def couplings(product: Any, sent: int, weight: int) -> Tensor:
    """Coefficients of one path of a convolution for its first channel, ``[2 l_received + 1, 2 l_sent + 1, n_harmonics]``.

    Parameters
    ----------
    product
        ``o3.TensorProduct`` with instructions of kind ``uvu`` and one block in for each degree.
    sent
        Number of the path among its instructions.
    weight
        Position of the weight of its first channel.
    """
    path = product.instructions[sent]
    start = product.irreps_in1.slices()[path.i_in1].start
    into = product.irreps_out.slices()[path.i_out].start
    n_sent, n_received = product.irreps_in1[path.i_in1].ir.dim, product.irreps_out[path.i_out].ir.dim
    n_harmonics = product.irreps_in2.dim
    messages = torch.zeros(n_sent, n_harmonics, product.irreps_in1.dim, dtype=torch.float64)
    for m in range(n_sent):
        messages[m, :, start + m] = 1.0
    harmonics = torch.eye(n_harmonics, dtype=torch.float64).repeat(n_sent, 1)
    weights = torch.zeros(n_sent * n_harmonics, product.weight_numel, dtype=torch.float64)
    weights[:, weight] = 1.0
    results = product(messages.flatten(0, 1), harmonics, weights)[:, into : into + n_received]
    found = results.reshape(n_sent, n_harmonics, n_received).permute(2, 0, 1)
    return torch.where(found.abs() < 1e-14, torch.zeros_like(found), found)
