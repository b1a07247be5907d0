# SPDX-License-Identifier: MIT
"""Potential of a charge density that varies along one direction: Poisson's equation between different boundaries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..constants import COULOMB_CONSTANT


def periodic_potential(charge: NDArray[np.float64], height: float, sigma: float = 0.0) -> NDArray[np.float64]:
    """Potential of a density that repeats itself, of average 0, by Fourier transform.

    Parameters
    ----------
    charge
        [..., n], e/angstrom^3, in equal slices; its mean is dropped.
    height
        Period, angstrom.
    sigma
        Width of the Gaussian that each charge is, angstrom.

    Returns
    -------
    [..., n], V, in the middle of the slices.
    """
    n = charge.shape[-1]
    k = 2.0 * np.pi * np.fft.rfftfreq(n, height / n)
    modes = np.fft.rfft(charge)
    modes[..., 0], k[0] = 0.0, 1.0
    modes = modes * np.exp(-0.5 * (sigma * k) ** 2) / k**2
    return np.fft.irfft(4.0 * np.pi * COULOMB_CONSTANT * modes, n)


def open_potential(charge: NDArray[np.float64], height: float, sigma: float = 0.0) -> NDArray[np.float64]:
    """Potential of a density between two empty half-spaces, 0 in the first slice.

    ::

        phi(z) = -2 pi k_e integral dz' rho(z') <|z - z' + sigma x|>,   x normal

    For a neutral density there is no field outside.

    Parameters
    ----------
    charge
        [..., n], e/angstrom^3, in equal slices.
    height
        Of all slices, angstrom.
    sigma
        Width of the Gaussian that each charge is, angstrom.

    Returns
    -------
    [..., n], V, in the middle of the slices.
    """
    n = charge.shape[-1]
    step = height / n
    place = step * np.arange(n)
    distance = np.abs(place[:, None] - place)
    if sigma > 0.0:
        scaled = distance / (np.sqrt(2.0) * sigma)
        mean = distance * special.erf(scaled) + sigma * np.sqrt(2.0 / np.pi) * np.exp(-(scaled**2))
    else:
        mean = distance + 0.25 * step * np.eye(n)  # of a slice with itself
    potential = -2.0 * np.pi * COULOMB_CONSTANT * step * charge @ mean
    return potential - potential[..., :1]
