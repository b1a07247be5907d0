# SPDX-License-Identifier: MIT
"""The pure functions of the long-range split, in plain floats; the C++ twin is ``core/long_range.h``.

They relate the energy of a model, ``E_lr``, to what a LAMMPS Ewald-type solver computes (``elong``, its
per-atom energies and its virial). Source of every formula: docs/theory/long_range.md, "Matched mode" and
"Split mode". With ``Q = sum q``, ``V`` the cell volume, ``g = g_ewald``::

    E_lr = elong(g) + background_energy + [self_interaction] self_energy + 1/2 sum_{i != j} q_i q_j D(r_ij)
    D(r) = k_e [erf(r / (sqrt2 sigma)) - erf(g r)] / r          (0 in matched mode, g = 1 / (sqrt2 sigma))

Units: eV, angstrom, e.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..model_file.metadata import LongRange

_SERIES_BELOW = 0.1
"""Below this a*r the closed derivative of erf(a r)/r cancels; the series leaves out less than 1e-16 there."""


def g_ewald_from_sigma(sigma: float) -> float:
    """``g = 1 / (sqrt2 sigma)``, 1/angstrom: its k sum is that of Gaussians of width sigma."""
    return 1.0 / (math.sqrt(2.0) * sigma)


def self_energy_factor(settings: LongRange) -> float:
    """``k_e / (sigma sqrt(2 pi))``, eV/e^2: energy of one unit Gaussian with itself."""
    return settings.coulomb_constant / (settings.sigma * math.sqrt(2.0 * math.pi))


def self_energy(charges: Iterable[float], settings: LongRange) -> float:
    """``k_e sum q^2 / (sigma sqrt(2 pi))``, eV: what `self_interaction` keeps, at every g."""
    return self_energy_factor(settings) * math.fsum(charge * charge for charge in charges)


def background_energy(total_charge: float, volume: float, settings: LongRange) -> float:
    """``k_e pi sigma^2 Q^2 / V``, eV: added to ``elong``, at every g.

    LAMMPS adds the energy of a neutralizing background, the model has no k = 0 term at all. The virial gets
    no such correction because LAMMPS's virial has no background term either.
    """
    return settings.coulomb_constant * math.pi * settings.sigma**2 * total_charge**2 / volume


def potential_correction(charge: float, total_charge: float, volume: float, settings: LongRange) -> float:
    """``2 k_e pi sigma^2 Q / V [+ 2 k_e q / (sigma sqrt(2 pi)) with self]``, eV/e: added to ``2 e_i / q_i``.

    The derivative of `background_energy` and, where kept, of `self_energy` with respect to the charge of one
    atom.
    """
    phi = 2.0 * settings.coulomb_constant * math.pi * settings.sigma**2 * total_charge / volume
    if settings.self_interaction:
        phi += 2.0 * self_energy_factor(settings) * charge
    return phi


def smeared_coulomb(r: float, sigma: float, coulomb_constant: float) -> tuple[float, float]:
    """``k_e erf(r / (sqrt2 sigma)) / r`` and its derivative in r, eV/e^2 and eV/(e^2 A): two unit Gaussians.

    Finite at r = 0, where a series replaces the canceling closed form of the derivative.
    """
    value, derivative = _erf_over_r(r, g_ewald_from_sigma(sigma))
    return coulomb_constant * value, coulomb_constant * derivative


def split_pair_potential(
    r: float, sigma: float, g_ewald: float, coulomb_constant: float
) -> tuple[float, float]:
    """``D(r) = k_e [erf(r / (sqrt2 sigma)) - erf(g r)] / r`` and ``dD/dr``, eV/e^2 and eV/(e^2 A).

    What a solver with splitting parameter g leaves to a pair sum; it vanishes like ``erfc(g r) / r`` and is
    exactly 0 in matched mode. Far out the difference is taken of erfc, which keeps its relative precision.
    """
    a = g_ewald_from_sigma(sigma)
    if g_ewald == a:
        return 0.0, 0.0
    if min(a, g_ewald) * r < 0.5:
        wide, wide_derivative = _erf_over_r(r, g_ewald)
        narrow, narrow_derivative = _erf_over_r(r, a)
        return coulomb_constant * (narrow - wide), coulomb_constant * (narrow_derivative - wide_derivative)
    value = (math.erfc(g_ewald * r) - math.erfc(a * r)) / r
    gaussians = a * math.exp(-((a * r) ** 2)) - g_ewald * math.exp(-((g_ewald * r) ** 2))
    derivative = (2.0 / math.sqrt(math.pi) * gaussians - value) / r
    return coulomb_constant * value, coulomb_constant * derivative


def split_background_virial(total_charge: float, volume: float, settings: LongRange, g_ewald: float) -> float:
    """``-C / V`` with ``C = Q^2 k_e pi (1/g^2 - 2 sigma^2) / 2``, eV: added to each of virial xx, yy, zz.

    The k = 0 part of D, which the pair sum contains and the model does not; 0 in matched mode and for a
    neutral cell.
    """
    integral = settings.coulomb_constant * math.pi * (1.0 / g_ewald**2 - 2.0 * settings.sigma**2)
    c = 0.5 * total_charge**2 * integral
    return -c / volume


def _erf_over_r(r: float, a: float) -> tuple[float, float]:
    """``erf(a r) / r`` and its derivative in r."""
    x = a * r
    if x < _SERIES_BELOW:
        # erf(x)/x = 2/sqrt(pi) sum_n (-1)^n x^(2n) / (n! (2n+1)); n <= 6 leaves 1e-18 at x = 0.1
        value, slope = 0.0, 0.0
        for n in range(6, 0, -1):
            coefficient = (-1.0) ** n / (math.factorial(n) * (2 * n + 1))
            value = value * x * x + coefficient
            slope = slope * x * x + 2 * n * coefficient
        scale = 2.0 / math.sqrt(math.pi) * a
        return scale * (1.0 + value * x * x), scale * a * slope * x
    value = math.erf(x) / r
    return value, (2.0 / math.sqrt(math.pi) * a * math.exp(-x * x) - value) / r
