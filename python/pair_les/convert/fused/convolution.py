# SPDX-License-Identifier: MIT
"""Sums over the messages of neighbors with radial functions from a table: the convolution of an equivariant network.

With messages ``h_j[lm, c]`` and paths p that couple sent functions of degree l to received ones of degree l'::

    A[i, p m', c]  =  sum_j R_pc(r_ij) sum_m K_p[m', m](r_ij / |r_ij|) h_j[lm, c]

where R comes from a table, and K is linear in the monomials of the unit vector. This is the pure-torch twin of
``torch.ops.pair_les.convolution``, which has first derivatives in edge vectors and messages.
"""

from __future__ import annotations

import torch
from torch import Tensor


def monomials(unit: Tensor, l_max: int) -> Tensor:
    """``x^a y^b z^c`` of unit vectors ``[n_edges, 3]`` with c = 0 and a + b <= l_max, then c = 1 and a + b < l_max: ``[n_edges, (l_max + 1)^2]``."""
    x, y, z = unit[:, 0], unit[:, 1], unit[:, 2]
    degree = [torch.ones_like(x)]
    flat = [degree[0]]
    for _ in range(l_max):
        following = [x * monomial for monomial in degree]
        following.append(y * degree[len(degree) - 1])
        degree = following
        flat.extend(degree)
    n_lower = l_max * (l_max + 1) // 2
    return torch.stack(flat + [z * monomial for monomial in flat[:n_lower]], 1)


def table_weights(distance: Tensor, n_knots: int, cutoff: float) -> tuple[Tensor, Tensor]:
    """The knot to the left of each distance, and weights of value and three derivatives there and at the next, ``[n_edges, 8]``.

    Knot k is at ``(k + 1) cutoff / n_knots``. Derivatives in the table are in units of the spacing of knots. At and beyond the
    cutoff all weights are 0.
    """
    place = distance * (n_knots / cutoff)
    knot = torch.clamp(torch.floor(place.detach()).to(torch.int64) - 1, 0, n_knots - 2)
    t = place - (knot + 1).to(place.dtype)
    weights: list[Tensor] = []
    for side in range(2):
        u = t if side == 0 else 1.0 - t
        sign = 1.0 if side == 0 else -1.0
        falling = (1.0 - u) ** 4
        weights.append(falling * (1.0 + 4.0 * u + 10.0 * u**2 + 20.0 * u**3))
        weights.append(sign * falling * u * (1.0 + 4.0 * u + 10.0 * u**2))
        weights.append(falling * u**2 * (0.5 + 2.0 * u))
        weights.append(sign * falling * u**3 / 6.0)
    inside = (place < n_knots).unsqueeze(1)
    stacked = torch.stack(weights, 1)
    return knot, torch.where(inside, stacked, torch.zeros_like(stacked))


def convolution(
    edge_vectors: Tensor,
    center: Tensor,
    neighbor: Tensor,
    messages: Tensor,
    table: Tensor,
    table_of_edge: Tensor,
    couplings: Tensor,
    degrees: Tensor,
    n_local: int,
    cutoff: float,
) -> Tensor:
    """The sums of the module's docstring.

    Parameters
    ----------
    edge_vectors : Tensor
        ``[n_edges, 3]``, angstrom, ``x_j - x_i``; not zero.
    center, neighbor : Tensor
        int64 ``[n_edges]``; ``center`` sorted.
    messages : Tensor
        ``[n_atoms, n_sent, n_channels]``, function l^2 + l + m of degree l; the operator takes multiples of 16 channels.
    table : Tensor
        ``[n_tables, n_knots, 4, n_paths, n_channels]``, of :func:`pair_les.convert.fused.radial_table.tabulate`.
    table_of_edge : Tensor
        int64 ``[n_edges]``; empty: all edges have the first table.
    couplings : Tensor
        ``[n_entries, n_lm]``: K of all paths, one after the other, from :func:`monomials`; entries of a path by received, then by
        sent function.
    degrees : Tensor
        int64 ``[n_paths, 2]``: degrees sent and received, at most 3.
    n_local : int
        Number of centers; like n_atoms and n_edges it may be 0.
    cutoff : float
        Angstrom; longer edges contribute nothing.

    Returns
    -------
    Tensor
        ``[n_rows, n_local, n_channels]``, rows by path and received function.
    """
    n_edges, channels, n_knots = center.size(0), messages.size(2), table.size(1)
    distance = torch.sqrt((edge_vectors * edge_vectors).sum(1))
    knot, weights = table_weights(distance, n_knots, cutoff)
    if table_of_edge.size(0) > 0:
        knot = knot + table_of_edge * n_knots
    rows = table.view(table.size(0) * n_knots, 4, table.size(3) * channels)
    radial = torch.zeros([n_edges, table.size(3) * channels], dtype=table.dtype, device=table.device)
    for row in range(8):
        values = rows[:, row % 4].index_select(0, knot + row // 4)
        radial = radial + weights[:, row : row + 1] * values
    radial = radial.view(n_edges, table.size(3), channels)
    l_max = 1 if couplings.size(1) == 4 else 2 if couplings.size(1) == 9 else 3
    entries = torch.mm(monomials(edge_vectors / distance.unsqueeze(1), l_max), couplings.t())
    sent = messages.index_select(0, neighbor)
    paths: list[list[int]] = degrees.tolist()
    sums: list[Tensor] = []
    first = 0
    for number, path in enumerate(paths):
        n_sent, n_received = 2 * path[0] + 1, 2 * path[1] + 1
        of_degree = sent[:, path[0] * path[0] : path[0] * path[0] + n_sent]
        part = entries[:, first : first + n_sent * n_received].reshape(n_edges, n_received, n_sent)
        turned = torch.bmm(part, of_degree) * radial[:, number].unsqueeze(1)
        total = torch.zeros([n_local, n_received, channels], dtype=table.dtype, device=table.device)
        sums.append(total.index_add(0, center, turned).transpose(0, 1))
        first += n_sent * n_received
    return torch.cat(sums)
