# SPDX-License-Identifier: MIT
"""Rotation-invariant products of the mixed density, up to four factors (body order 5).

With ``u_c(n) = sum_lm F[c, lm] Y_lm(n)``, a band-limited function on the sphere, the averages of ``u^3`` and ``u^4``
over the sphere contain every coupling of three and four factors by Gaunt coefficients. A quadrature that is exact at
the degree of the integrand turns them into one matrix product and elementwise powers.
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


def product_quadrature(l_max: int, body_order: int) -> tuple[np.ndarray, np.ndarray]:
    """Harmonics on the points of a rule that is exact for the products.

    Returns
    -------
    synthesis : ndarray
        ``[n_points, (l_max + 1)^2]``, ``Y_lm(n_g) / (l_max + 1)``; the factor keeps u of order 1 where F is.
    weights : ndarray
        ``[n_points]``, summing to 1.
    """
    degree = product_degree(l_max, body_order)
    points, weights = quadrature(degree + 1 - degree % 2)  # Lebedev rules exist for odd degrees
    return spherical_harmonics(points, l_max) / (l_max + 1), weights


def degree_averages(l_max: int) -> np.ndarray:
    """Rows l = 1 .. l_max that average over the m of degree l, ``[l_max, (l_max + 1)^2]``."""
    degrees = np.array([degree for degree in range(l_max + 1) for _ in range(2 * degree + 1)])
    return np.array([(degrees == degree) / (2 * degree + 1) for degree in range(1, l_max + 1)])


def n_products(l_max: int, body_order: int) -> int:
    """Number of invariants per channel made by :func:`invariants`."""
    return 1 + l_max + (body_order - 3)


def invariants(
    f: Tensor, degree_average: Tensor, synthesis: Tensor, weights: Tensor, body_order: int
) -> Tensor:
    """Invariants of each channel: ``F_00``; ``mean_m F_lm^2`` for l >= 1; averages of ``u^3`` and of ``u_{l<=2}^4``.

    Parameters
    ----------
    f : Tensor
        ``[n_lm, n_atoms, n_channels]``, mixed density.
    degree_average : Tensor
        ``[l_max, n_lm]``: averages over m of each degree l >= 1.
    synthesis : Tensor
        ``[n_points, n_lm]`` of :func:`product_quadrature`.
    weights : Tensor
        ``[n_points]``.
    body_order : int
        3 to 5.

    Returns
    -------
    Tensor
        ``[n_products, n_atoms, n_channels]``.
    """
    n_lm, n_atoms, n_channels = f.size(0), f.size(1), f.size(2)
    l_max = degree_average.size(0)
    flat = f.reshape(n_lm, n_atoms * n_channels)
    parts = [flat[0:1], torch.mm(degree_average, flat * flat)]
    if body_order >= 4:
        u = torch.mm(synthesis, flat)  # [n_points, n_atoms * n_channels]
        parts.append(torch.mm(weights.unsqueeze(0), u * u * u))
    if body_order >= 5:
        n_quartic = min(n_lm, 9)  # (QUARTIC_L_MAX + 1)^2, a literal for TorchScript
        v = torch.mm(synthesis[:, :n_quartic], flat[:n_quartic])
        square = v * v
        parts.append(torch.mm(weights.unsqueeze(0), square * square))
    return torch.cat(parts).view(l_max + 1 + max(body_order - 3, 0), n_atoms, n_channels)
