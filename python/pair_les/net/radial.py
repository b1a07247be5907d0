# SPDX-License-Identifier: MIT
"""Radial basis: spherical Bessel functions of order 0 times a cutoff function."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def cutoff_function(scaled_distance: Tensor) -> Tensor:
    """``(1 - x^2)^3`` for x < 1 and 0 beyond.

    Value, first and second derivative vanish at the cutoff, so that forces are continuously differentiable while
    an atom crosses it, and it is even in r, so that it adds no kink at r = 0.

    Parameters
    ----------
    scaled_distance : Tensor
        ``x = r / cutoff``, any shape.
    """
    inside = torch.relu(1.0 - scaled_distance * scaled_distance)
    return inside * inside * inside


def radial_basis(distance: Tensor, cutoff: float, n_radial: int) -> Tensor:
    """``B_k(r) = sin(k pi x) / x * (1 - x^2)^3`` with ``x = r / cutoff`` and ``k = 1 .. n_radial``.

    Parameters
    ----------
    distance : Tensor
        ``[n_centers, width]``, angstrom, > 0.
    cutoff : float
        Angstrom.
    n_radial : int
        Number of functions.

    Returns
    -------
    Tensor
        ``[n_radial, n_centers, width]``: one contiguous plane per function.
    """
    scaled = distance * (1.0 / cutoff)
    wave_number = torch.arange(1, n_radial + 1, dtype=distance.dtype, device=distance.device) * math.pi
    waves = torch.sin(wave_number.view(-1, 1, 1) * scaled.unsqueeze(0))
    return waves * (cutoff_function(scaled) / scaled).unsqueeze(0)
