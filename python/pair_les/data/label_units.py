# SPDX-License-Identifier: MIT
"""Explanation of a factor between labels: the unit or the sign that was most likely meant, and the remedy."""

from __future__ import annotations

import math
from dataclasses import dataclass

HARTREE, RYDBERG, BOHR = 27.211386, 13.605693, 0.52917721
"""eV, eV, angstrom (CODATA 2018)."""

KCAL_PER_MOL, KJ_PER_MOL = 0.043364104, 0.010364270
"""eV."""

KBAR, GPA = 1.0 / 1602.17663, 1.0 / 160.217663
"""eV/angstrom^3."""

TOLERANCE = 0.15
"""Relative, within which a fitted factor is a known one; where several are, the message has all of them."""

UNREMARKABLE = (1.0 / 1.5, 1.5)
"""Factors that are taken for 1: the pairs of frames are not infinitely close."""

BEYOND_ANY_SLOPE = 8.0
"""A slope of `fit_pair_slope` is between the inverse of this and this where the units are right: those of all sets that were tried
are between 1/3 and 2, and units differ by more."""

SAME_UNIT = 2.5
"""Ratio within which such a slope is that of a unit."""

WRONG_SIGN = 1.0 / 3.0
"""A negative factor between this and its inverse is a wrong sign: pairs of frames that are far apart blur its size."""


@dataclass(frozen=True)
class Mismatch:
    """A factor that is not 1: what it may be and what to do, and whether it is one of the known ones."""

    text: str
    known: bool


_FORCE_FACTORS = {
    HARTREE / BOHR: ("forces in hartree/bohr", "multiply the forces by 51.4221"),
    RYDBERG / BOHR: ("forces in rydberg/bohr", "multiply the forces by 25.7110"),
    HARTREE: ("forces in hartree/A", "multiply the forces by 27.2114"),
    1.0 / BOHR: (
        "forces in eV/bohr, or energies in hartree with forces in hartree/bohr",
        "multiply the forces by 1.88973, or energies by 27.2114 and forces by 51.4221",
    ),
    BOHR: ("energies or positions of another unit of length (bohr)", "convert all labels to eV and angstrom"),
    KCAL_PER_MOL: ("forces in kcal/mol/A", "divide the forces by 23.0605"),
    KJ_PER_MOL: ("forces in kJ/mol/A", "divide the forces by 96.4853"),
    1e-3: ("forces in meV/A", "divide the forces by 1000"),
    1.0 / HARTREE: ("energies in hartree", "multiply the energies by 27.2114"),
    1.0 / RYDBERG: ("energies in rydberg", "multiply the energies by 13.6057"),
    1.0 / KCAL_PER_MOL: ("energies in kcal/mol", "divide the energies by 23.0605"),
    1.0 / KJ_PER_MOL: ("energies in kJ/mol", "divide the energies by 96.4853"),
    1e3: ("energies in meV", "divide the energies by 1000"),
}

_STRESS_FACTORS = {
    KBAR: ("stress in kbar", "divide the stress by 1602.1766"),
    GPA: ("stress in GPa", "divide the stress by 160.21766"),
    1e-3 * KBAR: ("stress in bar", "divide the stress by 1.6021766e6"),
    HARTREE / BOHR**3: ("stress in hartree/bohr^3", "multiply the stress by 183.6315"),
    RYDBERG / BOHR**3: ("stress in rydberg/bohr^3", "multiply the stress by 91.8158"),
    1.0 / HARTREE: ("energies in hartree", "multiply the energies by 27.2114"),
    1.0 / KCAL_PER_MOL: ("energies in kcal/mol", "divide the energies by 23.0605"),
}


def explain_force_factor(factor: float, n_atoms: float) -> Mismatch | None:
    """Explain the factor from the work of the forces to energy differences; None where it is 1.

    Parameters
    ----------
    factor
        See `fit_work_factors`.
    n_atoms
        Mean number of atoms of a frame, for energies per atom.
    """
    if UNREMARKABLE[0] < factor < UNREMARKABLE[1]:
        return None
    if -1.0 / WRONG_SIGN < factor < -WRONG_SIGN:
        return _mismatch([("forces that are gradients of the energy", "change the sign of the forces")], "")
    known = {
        **_FORCE_FACTORS,
        1.0 / n_atoms: ("energies per atom", "multiply the energies by the number of atoms"),
    }
    causes = _matching(factor, known)
    if not causes:
        return Mismatch("an unknown unit? compare the units of energies and forces with eV and eV/A", False)
    sign = ", and change the sign of the forces" if factor < 0.0 else ""
    return _mismatch(causes, sign)


def explain_pair_slope(slope: float) -> Mismatch | None:
    """Explain the slope of energies against pair potentials that fit the forces (`fit_pair_slope`); None where it may be 1."""
    if -1.0 / WRONG_SIGN < slope < -WRONG_SIGN:
        return _mismatch([("forces that are gradients of the energy", "change the sign of the forces")], "")
    if 1.0 / BEYOND_ANY_SLOPE < abs(slope) < BEYOND_ANY_SLOPE:
        return None
    causes = _matching(slope, _FORCE_FACTORS, math.log(SAME_UNIT))
    if not causes:
        return Mismatch("an unknown unit? compare the units of energies and forces with eV and eV/A", False)
    return _mismatch(causes, ", and change the sign of the forces" if slope < 0.0 else "")


def explain_stress_factor(factor: float, volume: float, n_atoms: float) -> Mismatch | None:
    """Explain the factor from the work of the stress to energy differences; None where it is 1.

    Parameters
    ----------
    factor
        See `fit_work_factors`.
    volume
        Mean volume of a cell, angstrom^3, for virials.
    n_atoms
        Mean number of atoms of a frame, for energies per atom.
    """
    if UNREMARKABLE[0] < factor < UNREMARKABLE[1]:
        return None
    if -1.0 / WRONG_SIGN < factor < -WRONG_SIGN:
        return _mismatch([("positive under compression", "change the sign of the stress")], "")
    known = {
        **_STRESS_FACTORS,
        1.0 / volume: ("a virial (eV)", "name it with data.keys.virial"),
        1.0 / n_atoms: ("energies per atom", "multiply the energies by the number of atoms"),
    }
    causes = _matching(factor, known)
    if not causes:
        return Mismatch("an unknown unit? compare the unit of the stress with eV/A^3", False)
    sign = ""
    if factor < 0.0 and not _is_close(-factor, 1.0 / volume):
        sign = ", and change the sign (VASP's stress is positive under compression)"
    return _mismatch(causes, sign)


def _matching(
    factor: float, known: dict[float, tuple[str, str]], within: float | None = None
) -> list[tuple[str, str]]:
    """Causes and cures of the known factors that are near in size, nearest first; `within`: difference of the logarithms."""
    near = [
        value
        for value in known
        if (_is_close(abs(factor), value) if within is None else abs(math.log(abs(factor) / value)) < within)
    ]
    return [known[value] for value in sorted(near, key=lambda value: abs(math.log(abs(factor) / value)))]


def _mismatch(causes: list[tuple[str, str]], sign: str) -> Mismatch:
    return Mismatch("; or ".join(f"{cause}? {cure}{sign}" for cause, cure in causes), True)


def _is_close(value: float, known: float) -> bool:
    return abs(value / known - 1.0) < TOLERANCE
