# SPDX-License-Identifier: MIT
"""Sums over the messages of neighbors: what the second layer of :mod:`pair_les.net.message_passing` receives.

With messages ``h_j[lm, c]`` of the neighbors, radial functions ``B_k`` and ``R_lc = sum_k W[k, l, c] B_k``::

    A[i, lm, c]       =  sum_j R_lc(r_ij) Y_lm(r_ij) sum_l'm' h_j[l'm', c] Y_l'm'(r_ij)    (the function toward i)
    A[i, lm, C + c]  =  sum_j R_(l_max + 1)c(r_ij) h_j[lm, c]                               (the function as it is)

This is the pure-torch twin of ``torch.ops.pair_les.messages``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pair_les.net.angular import monomials
from pair_les.net.counts import as_size
from pair_les.net.radial import radial_basis


def find_row_positions(row_of_edge: Tensor, n_rows: int) -> tuple[Tensor, int]:
    """Place ``row * width + column`` of each edge in padded rows, and their width; edges in any order."""
    counts = torch.bincount(row_of_edge, minlength=n_rows)
    width = as_size(counts.max()) if row_of_edge.size(0) > 0 else 0
    ordered, order = torch.sort(row_of_edge, stable=True)
    column = torch.arange(ordered.size(0), device=ordered.device) - torch.index_select(
        torch.cumsum(counts, 0) - counts, 0, ordered
    )
    return torch.zeros_like(order).scatter(0, order, ordered * width + column), width


def scatter_into_rows(values: Tensor, place: Tensor, shape: list[int]) -> Tensor:
    """``values [n_edges, n]`` as ``[n_rows, width, n]``, 0 where there is no edge."""
    rows = torch.zeros([shape[0] * shape[1], shape[2]], dtype=values.dtype, device=values.device)
    return rows.index_copy(0, place, values).view(shape)


def messages(
    edge_vectors: Tensor,
    center: Tensor,
    neighbor: Tensor,
    h: Tensor,
    weights: Tensor,
    harmonics: Tensor,
    n_local: int,
    cutoff: float,
    l_max: int,
) -> Tensor:
    """Both sums of the module's docstring.

    Sums over edges are batched matrix products of padded rows, one row per center, or per sender for ``Y(r_ij) h_j``: no
    tensor with edges x channels x harmonics elements is multiplied out.

    Parameters
    ----------
    edge_vectors : Tensor
        ``[n_edges, 3]``, angstrom, ``x_j - x_i``; not zero.
    center, neighbor : Tensor
        int64 ``[n_edges]``; ``center`` sorted.
    h : Tensor
        ``[n_atoms, n_sent, n_channels]``, with n_sent = 4, 9 or 16, at most ``(l_max + 1)^2``.
    weights : Tensor
        ``[n_radial, l_max + 2, n_channels]``.
    harmonics : Tensor
        ``[n_lm, n_lm]``, :func:`pair_les.net.angular.harmonics_from_monomials`.
    n_local : int
        Number of centers; like n_atoms and n_edges it may be 0.
    cutoff : float
        Angstrom; longer edges contribute nothing.
    l_max : int
        Highest degree of the sums.

    Returns
    -------
    Tensor
        ``[n_lm, n_local, 2 n_channels]``; the second half is 0 where lm is not sent.
    """
    n_edges, n_lm, n_sent, channels = center.size(0), harmonics.size(0), h.size(1), h.size(2)
    n_radial = weights.size(0)
    distance = torch.sqrt((edge_vectors * edge_vectors).sum(1))
    radial = radial_basis(distance.unsqueeze(0), cutoff, n_radial).view(n_radial, n_edges).t()
    unit = (edge_vectors / distance.unsqueeze(1)).t().reshape(3, 1, n_edges)
    angular = torch.mm(harmonics, monomials(unit, l_max).view(n_lm, n_edges)).t()

    place, width = find_row_positions(center, n_local)
    of_sender, sender_width = find_row_positions(neighbor, h.size(0))
    shape = [h.size(0), sender_width, n_sent]
    toward = torch.bmm(scatter_into_rows(angular[:, :n_sent], of_sender, shape), h)
    toward = torch.index_select(toward.view(shape[0] * shape[1], channels), 0, of_sender)

    # Rows without an edge are 0: they add nothing.
    rows = scatter_into_rows(torch.cat([angular, radial], 1), place, [n_local, width, n_lm + n_radial])
    angular_rows, radial_rows = torch.split(rows, [n_lm, n_radial], 2)
    of_degree = torch.split(angular_rows.transpose(1, 2), [2 * degree + 1 for degree in range(l_max + 1)], 1)
    turned = weights[:, : l_max + 1].reshape(n_radial, (l_max + 1) * channels)
    weighted = torch.mm(radial, turned).view(n_edges, l_max + 1, channels) * toward.unsqueeze(1)
    weighted = scatter_into_rows(
        weighted.view(n_edges, (l_max + 1) * channels), place, [n_local, width, (l_max + 1) * channels]
    )
    sums: list[Tensor] = []
    for degree, w in enumerate(torch.split(weighted, channels, 2)):
        sums.append(torch.bmm(of_degree[degree], w))  # [n_local, 2 degree + 1, n_channels]

    # sum_k w_kc sum_j B_k(r_ij) h_j: the edges meet only the radial functions, not the channels
    sender = torch.zeros(n_local * width, dtype=torch.int64, device=center.device).scatter(0, place, neighbor)
    sent = torch.index_select(h.reshape(h.size(0), n_sent * channels), 0, sender)
    as_is = torch.bmm(radial_rows.transpose(1, 2), sent.view(n_local, width, n_sent * channels))
    as_is = as_is.view(n_local, n_radial, n_sent, channels)
    as_is = (as_is * weights[:, l_max + 1].unsqueeze(1)).sum(1)
    as_is = torch.nn.functional.pad(as_is, [0, 0, 0, n_lm - n_sent])
    return torch.cat([torch.cat(sums, 1), as_is], 2).transpose(0, 1)
