# SPDX-License-Identifier: MIT
"""Rotation-invariant products of the mixed density, up to four factors (body order 5).

With ``u_c(n) = sum_lm F[c, lm] Y_lm(n)``, a band-limited function on the sphere, the averages of ``u^3`` and ``u^4``
over the sphere contain every coupling of three and four factors by Gaunt coefficients. A quadrature that is exact at
the degree of the integrand turns them into one matrix product and elementwise powers. The rule is symmetric under
inversion and u splits into an even part e and an odd part o, so half of the points do:
``<u^3> = <e (e^2 + 3 o^2)>`` and ``<u^4> = <(e^2 + o^2)^2 + 4 e^2 o^2>``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pair_les.net.angular import quadrature, spherical_harmonics

# u^4 uses the harmonics up to this degree only: 4 * 2 = 8 stays within the rule that u^3 at l = 3 needs anyway.
QUARTIC_L_MAX = 2


def product_degree(l_max: int, body_order: int) -> int:
    """Degree of the polynomials that the products integrate over the sphere."""
    degree = 3 * l_max
    if body_order >= 5:
        degree = max(degree, 4 * min(l_max, QUARTIC_L_MAX))
    return degree


def product_quadrature(l_max: int, body_order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Harmonics on half of the points of a rule that is exact for the products.

    Returns
    -------
    even, odd : ndarray
        ``[n_points, n_even]`` and ``[n_points, n_odd]``, ``Y_lm(n_g) / (l_max + 1)`` for even and for odd l; the factor
        keeps u of order 1 where F is.
    weights : ndarray
        ``[1, n_points]``, summing to 1.
    """
    degree = product_degree(l_max, body_order)
    points, weights = quadrature(degree + 1 - degree % 2)  # Lebedev rules exist for odd degrees
    upper = np.array([tuple(point) > (0.0, 0.0, 0.0) for point in np.round(points, 9)])  # one of n and -n
    harmonics = spherical_harmonics(points[upper], l_max) / (l_max + 1)
    is_odd = np.array([degree % 2 == 1 for degree in range(l_max + 1) for _ in range(2 * degree + 1)])
    return harmonics[:, ~is_odd], harmonics[:, is_odd], 2.0 * weights[None, upper]


def degree_averages(l_max: int) -> np.ndarray:
    """Rows l = 1 .. l_max that average over the m of degree l, ``[l_max, (l_max + 1)^2]``."""
    degrees = np.array([degree for degree in range(l_max + 1) for _ in range(2 * degree + 1)])
    return np.array([(degrees == degree) / (2 * degree + 1) for degree in range(1, l_max + 1)])


def n_products(l_max: int, body_order: int) -> int:
    """Number of invariants per channel made by :func:`invariants`."""
    return 1 + l_max + (body_order - 3)


def invariants(
    f: Tensor, degree_average: Tensor, even: Tensor, odd: Tensor, weights: Tensor, body_order: int
) -> Tensor:
    """Invariants of each channel: ``F_00``; ``mean_m F_lm^2`` for l >= 1; averages of ``u^3`` and of ``u_{l<=2}^4``.

    Parameters
    ----------
    f : Tensor
        ``[n_lm, n_atoms, n_channels]``, mixed density.
    degree_average : Tensor
        ``[l_max, n_lm]`` of :func:`degree_averages`.
    even, odd, weights : Tensor
        Of :func:`product_quadrature`.
    body_order : int
        3 to 5.

    Returns
    -------
    Tensor
        ``[n_products, n_atoms, n_channels]``.
    """
    n_lm, n_atoms, n_channels = f.size(0), f.size(1), f.size(2)
    flat = f.reshape(n_lm, n_atoms * n_channels)
    parts = [flat[0:1], torch.mm(degree_average, flat * flat)]
    if body_order >= 4:
        # Rows 0, 1-3, 4-8, 9-15 are l = 0, 1, 2, 3; beyond l_max the slices are empty. [n_points, n_atoms * n_channels]
        e = torch.mm(even, torch.cat([flat[0:1], flat[4:9]]))
        o1 = torch.mm(odd[:, :3], flat[1:4])
        o = torch.addmm(o1, odd[:, 3:], flat[9:16])
        e_squared = e * e
        parts.append(torch.mm(weights, e * torch.addcmul(e_squared, o, o, value=3.0)))
        if body_order >= 5:
            # QUARTIC_L_MAX = 2: the odd part of the quartic is l = 1 only.
            o1_squared = o1 * o1
            total = e_squared + o1_squared
            parts.append(torch.mm(weights, torch.addcmul(total * total, e_squared, o1_squared, value=4.0)))
    return torch.cat(parts).view(degree_average.size(0) + 1 + max(body_order - 3, 0), n_atoms, n_channels)
