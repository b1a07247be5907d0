# SPDX-License-Identifier: MIT
"""Density of the neighborhood: ``A[i, s, k, lm] = sum_j B_k(r_ij) Y_lm(r_ij / |r_ij|)`` over neighbors j of species s.

Edges are laid out in padded rows, one row per center and one block of columns per neighbor species, and the sum over
neighbors is a batched matrix product of radial and angular planes. No tensor with edges x radial x angular elements is
ever formed (design: 11 times faster than the outer product over an edge list).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pair_les.net.angular import monomials
from pair_les.net.counts import as_size
from pair_les.net.radial import radial_basis


def find_padded_positions(
    center: Tensor, neighbor_species: Tensor, n_local: int, n_species: int
) -> tuple[Tensor, list[int]]:
    """Places of the edges in padded rows.

    Parameters
    ----------
    center : Tensor
        int64 ``[n_edges]``, sorted.
    neighbor_species : Tensor
        int64 ``[n_edges]``.
    n_local : int
        Number of centers.
    n_species : int
        Number of species.

    Returns
    -------
    position : Tensor
        int64 ``[n_edges]``: ``center * width + column``, all different.
    widths : list of int
        Columns of each neighbor species: the largest number of such neighbors of any center. ``width`` is their sum.
    """
    counts = torch.bincount(center, minlength=n_local)
    first_edge = torch.index_select(torch.cumsum(counts, 0) - counts, 0, center)
    column = torch.zeros_like(center)
    widths: list[int] = []
    offset = 0
    for s in range(n_species):
        is_s = neighbor_species == s
        seen = torch.cumsum(is_s, 0)  # edges to species s up to and with this one
        seen_before = seen - is_s.to(torch.int64)
        rank = seen - torch.index_select(seen_before, 0, first_edge)  # 1, 2, ... within the center
        width = as_size(torch.max(rank)) if rank.numel() > 0 else 0
        column = torch.where(is_s, rank + (offset - 1), column)
        widths.append(width)
        offset += width
    return center * offset + column, widths


def density(
    edge_vectors: Tensor,
    center: Tensor,
    neighbor_species: Tensor,
    n_local: int,
    n_species: int,
    harmonics: Tensor,
    cutoff: float,
    n_radial: int,
    l_max: int,
) -> Tensor:
    """Density of each local atom's neighborhood, resolved by neighbor species.

    Parameters
    ----------
    edge_vectors : Tensor
        ``[n_edges, 3]``, angstrom, ``x_j - x_i``; not zero.
    center, neighbor_species : Tensor
        int64 ``[n_edges]``; ``center`` sorted.
    n_local, n_species : int
        Numbers of centers and species; both and ``n_edges`` may be 0.
    harmonics : Tensor
        ``[n_lm, n_lm]``, :func:`pair_les.net.angular.harmonics_from_monomials`.
    cutoff : float
        Angstrom; longer edges contribute nothing.
    n_radial, l_max : int
        Size of the basis.

    Returns
    -------
    Tensor
        ``A [n_local, n_species, n_radial, (l_max + 1)^2]``, dimensionless.
    """
    n_lm = (l_max + 1) * (l_max + 1)
    position, widths = find_padded_positions(center, neighbor_species, n_local, n_species)
    width = 0
    for w in widths:
        width += w
    # Padding sits at the cutoff, where every basis function and its first two derivatives vanish: it contributes nothing
    # to the density or to any gradient, and no square root or division ever sees a zero.
    padding = torch.zeros([3, n_local * width], dtype=edge_vectors.dtype, device=edge_vectors.device)
    padding[0].fill_(cutoff)
    vectors = torch.scatter(padding, 1, position.unsqueeze(0).expand(3, -1), edge_vectors.t())
    vectors = vectors.view(3, n_local, width)

    distance = torch.sqrt((vectors * vectors).sum(0))  # [n_local, width]
    radial = radial_basis(distance, cutoff, n_radial)  # [n_radial, n_local, width]
    angular = monomials(vectors / distance, l_max)  # [n_lm, n_local, width]

    blocks: list[Tensor] = []
    offset = 0
    for w in widths:
        b = radial[:, :, offset : offset + w].permute(1, 0, 2)  # [n_local, n_radial, w]
        y = angular[:, :, offset : offset + w].permute(1, 2, 0)  # [n_local, w, n_lm]
        blocks.append(torch.bmm(b, y))  # [n_local, n_radial, n_lm]
        offset += w
    a = torch.stack(blocks, 1)  # [n_local, n_species, n_radial, n_lm], in monomials
    # Y = T m. Written with lm outermost in memory, the layout that the products want.
    a = torch.mm(harmonics, a.view(n_local * n_species * n_radial, n_lm).t())
    return a.view(n_lm, n_local, n_species, n_radial).permute(1, 2, 3, 0)
