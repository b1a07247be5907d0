# SPDX-License-Identifier: MIT
"""Equivariant products of the mixed density, the content of messages.

With ``u_c(n) = sum_lm F[c, lm] Y_lm(n)``, the projections ``<u^2 Y_lm>`` and ``<u^3 Y_lm>`` over the sphere couple two and
three factors to degree l by Gaunt coefficients (:mod:`pair_les.net.products` has their invariant counterparts). The
quadrature is exact for them; u splits into an even part e and an odd part o, so half of the points do:
even l see ``e^2 + o^2`` and ``e (e^2 + 3 o^2)``, odd l see ``2 e o`` and ``o (o^2 + 3 e^2)``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pair_les.net.angular import quadrature, spherical_harmonics


def degrees_of(l_max: int) -> np.ndarray:
    """Degree of each of the ``(l_max + 1)^2`` harmonics."""
    return np.array([degree for degree in range(l_max + 1) for _ in range(2 * degree + 1)])


def equivariant_tables(l_max: int, message_l_max: int) -> dict[str, np.ndarray]:
    """Harmonics at half of the points of a rule that is exact for ``u^3 Y_lm`` with l up to ``message_l_max``.

    Returns
    -------
    dict
        ``even``, ``odd`` ``[n_points, n_even]``, ``[n_points, n_odd]``: from F to e and o, divided by ``l_max + 1``, which
        keeps u of order 1 where F is. ``even_back``, ``odd_back``: from values at the points to the projections.
    """
    degree = 3 * l_max + message_l_max
    points, weights = quadrature(degree + 1 - degree % 2)  # Lebedev rules exist for odd degrees
    upper = np.array([tuple(point) > (0.0, 0.0, 0.0) for point in np.round(points, 9)])  # one of n and -n
    harmonics = spherical_harmonics(points[upper], l_max)
    is_odd = degrees_of(l_max) % 2 == 1
    projection = (2.0 * weights[upper, None] * harmonics)[:, : (message_l_max + 1) ** 2]
    is_odd_back = is_odd[: projection.shape[1]]
    return {
        "even": harmonics[:, ~is_odd] / (l_max + 1),
        "odd": harmonics[:, is_odd] / (l_max + 1),
        "even_back": np.ascontiguousarray(projection[:, ~is_odd_back].T),
        "odd_back": np.ascontiguousarray(projection[:, is_odd_back].T),
    }


def find_row_order(message_l_max: int) -> np.ndarray:
    """Return the position of each lm where the rows of even l are followed by those of odd l."""
    degrees = degrees_of(message_l_max)
    return np.argsort(np.argsort(degrees % 2, kind="stable"), kind="stable")


def equivariant_products(
    flat: Tensor,
    degree_sizes: list[int],
    even: Tensor,
    odd: Tensor,
    even_back: Tensor,
    odd_back: Tensor,
    order: Tensor,
) -> tuple[Tensor, Tensor]:
    """``<u^2 Y_lm>`` and ``<u^3 Y_lm>``.

    Parameters
    ----------
    flat : Tensor
        ``[n_lm, n]``, F of all atoms and channels.
    degree_sizes : list of int
        1, 3, 5, ... up to l_max.
    even, odd, even_back, odd_back : Tensor
        Of :func:`equivariant_tables`.
    order : Tensor
        Of :func:`find_row_order`.

    Returns
    -------
    square, cube : Tensor
        ``[(message_l_max + 1)^2, n]`` each.
    """
    parts = torch.split(flat, degree_sizes)  # one cat in the backward pass, where slices would pad with zeros
    e = torch.mm(even, torch.cat(parts[0::2]))  # [n_points, n]
    o = torch.mm(odd, torch.cat(parts[1::2]))
    e_squared, o_squared = e * e, o * o
    of_even = torch.cat([e_squared + o_squared, e * torch.add(e_squared, o_squared, alpha=3.0)], 1)
    of_odd = torch.cat([2.0 * (e * o), o * torch.add(o_squared, e_squared, alpha=3.0)], 1)
    both = torch.cat([torch.mm(even_back, of_even), torch.mm(odd_back, of_odd)])
    square, cube = torch.split(torch.index_select(both, 0, order), [flat.size(1), flat.size(1)], 1)
    return square, cube


def invariants_and_products(
    f: Tensor,
    degree_average: Tensor,
    degree_sizes: list[int],
    even: Tensor,
    odd: Tensor,
    even_back: Tensor,
    odd_back: Tensor,
    order: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return ``l_max + 3`` invariants of each channel of a mixed density, and the products that messages are made of.

    The pure-torch twin of ``torch.ops.pair_les.equivariants``.

    Parameters
    ----------
    f : Tensor
        ``[n_lm, n, n_channels]``.
    degree_average : Tensor
        ``[l_max, n_lm]`` of :func:`pair_les.net.products.degree_averages`.
    degree_sizes, even, odd, even_back, odd_back, order
        As :func:`equivariant_products`.

    Returns
    -------
    invariants, products : Tensor
        ``[n, (l_max + 3) n_channels]``: ``F_00``; ``mean_m F_lm^2`` for l >= 1; ``<u^3>``; ``mean_lm <u^2 Y_lm>^2``.
        ``[(message_l_max + 1)^2, n, 3 n_channels]``: F, ``<u^2 Y_lm>`` and ``<u^3 Y_lm>``.
    """
    n_lm, n, channels = f.size(0), f.size(1), f.size(2)
    flat = f.reshape(n_lm, n * channels)
    square, cube = equivariant_products(flat, degree_sizes, even, odd, even_back, odd_back, order)
    x = torch.cat(
        [flat[:1], torch.mm(degree_average, flat * flat), cube[:1], (square * square).mean(0, keepdim=True)]
    )
    n_products, n_sent = x.size(0), order.size(0)
    x = x.view(n_products, n, channels).permute(1, 0, 2).reshape(n, n_products * channels)
    shape = [n_sent, n, channels]
    return x, torch.cat([flat[:n_sent].view(shape), square.view(shape), cube.view(shape)], 2)
