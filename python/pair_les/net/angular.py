# SPDX-License-Identifier: MIT
"""Real spherical harmonics as a fixed linear map of the monomials of a unit vector.

On the unit sphere ``z^2 = 1 - x^2 - y^2``, so the ``(l_max + 1)^2`` monomials ``x^a y^b z^c`` with ``c <= 1`` and
``a + b + c <= l_max`` span the same space as the harmonics up to ``l_max``. Each monomial costs one multiplication
per edge; the change of basis is one small matrix product per atom, after the sum over the neighbors.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def monomial_powers(l_max: int) -> list[tuple[int, int, int]]:
    """Powers (a, b, c) of the monomials, in the order of :func:`monomials`."""
    plane = [(d - b, b) for d in range(l_max + 1) for b in range(d + 1)]
    return [(a, b, 0) for a, b in plane] + [(a, b, 1) for a, b in plane if a + b < l_max]


def monomials(unit: Tensor, l_max: int) -> Tensor:
    """Monomials of unit vectors.

    Parameters
    ----------
    unit : Tensor
        ``[3, n_centers, width]``: x, y and z planes.
    l_max : int
        1, 2 or 3.

    Returns
    -------
    Tensor
        ``[(l_max + 1)^2, n_centers, width]``, in the order of :func:`monomial_powers`.
    """
    x, y, z = unit[0:1], unit[1:2], unit[2:3]
    first = unit[0:2]  # x, y
    planes = [torch.ones_like(x), first]
    lower = [z]
    if l_max >= 2:
        second = torch.cat([x * first, y * y])  # xx, xy, yy
        planes.append(second)
        lower.append(z * first)
        if l_max >= 3:
            planes.append(x * second)  # xxx, xxy, xyy
            planes.append(y * second[2:3])  # yyy
            lower.append(z * second)
    return torch.cat(planes + lower)


def spherical_harmonics(unit: np.ndarray, l_max: int) -> np.ndarray:
    """Real spherical harmonics, normalized so that ``Y_00 = 1`` and the mean of ``Y^2`` over the sphere is 1.

    Parameters
    ----------
    unit : ndarray
        ``[n, 3]`` unit vectors.
    l_max : int
        0 to 3.

    Returns
    -------
    ndarray
        ``[n, (l_max + 1)^2]``, ordered by l, then m from -l to l.
    """
    x, y, z = unit[:, 0], unit[:, 1], unit[:, 2]
    columns = [np.ones_like(x)]
    if l_max >= 1:
        columns += [math.sqrt(3.0) * y, math.sqrt(3.0) * z, math.sqrt(3.0) * x]
    if l_max >= 2:
        columns += [
            math.sqrt(15.0) * x * y,
            math.sqrt(15.0) * y * z,
            math.sqrt(5.0) / 2.0 * (3.0 * z * z - 1.0),
            math.sqrt(15.0) * x * z,
            math.sqrt(15.0) / 2.0 * (x * x - y * y),
        ]
    if l_max >= 3:
        columns += [
            math.sqrt(35.0 / 8.0) * y * (3.0 * x * x - y * y),
            math.sqrt(105.0) * x * y * z,
            math.sqrt(21.0 / 8.0) * y * (5.0 * z * z - 1.0),
            math.sqrt(7.0) / 2.0 * z * (5.0 * z * z - 3.0),
            math.sqrt(21.0 / 8.0) * x * (5.0 * z * z - 1.0),
            math.sqrt(105.0) / 2.0 * z * (x * x - y * y),
            math.sqrt(35.0 / 8.0) * x * (x * x - 3.0 * y * y),
        ]
    return np.stack(columns, axis=1)


def quadrature(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Lebedev rule that is exact for polynomials up to ``degree`` on the sphere.

    Returns
    -------
    points : ndarray
        ``[n, 3]`` unit vectors.
    weights : ndarray
        ``[n]``, summing to 1: the rule gives averages over the sphere.
    """
    from scipy.integrate import lebedev_rule  # whoever evaluates a model file needs no scipy

    points, weights = lebedev_rule(degree)
    return points.T.copy(), weights / weights.sum()


def harmonics_from_monomials(l_max: int) -> np.ndarray:
    """Matrix T with ``Y_lm = sum_p T[lm, p] monomial_p`` on the unit sphere, ``[(l_max + 1)^2, (l_max + 1)^2]``."""
    points, weights = quadrature(2 * l_max + 1)
    powers = monomial_powers(l_max)
    values = np.stack(
        [points[:, 0] ** a * points[:, 1] ** b * points[:, 2] ** c for a, b, c in powers], axis=1
    )
    # Projection <m_p Y_lm> of each monomial on the orthonormal harmonics, exact with this rule; then the inverse.
    projection = np.einsum("gp,gl,g->pl", values, spherical_harmonics(points, l_max), weights)
    transform = np.linalg.inv(projection)
    transform[np.abs(transform) < 1e-13] = 0.0
    return transform
