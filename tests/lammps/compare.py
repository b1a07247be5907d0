# SPDX-License-Identifier: MIT
"""Comparison of evaluations: inputs of the solver first, so that the first failure is the cause."""

from __future__ import annotations

import numpy as np
from harness import Evaluation
from tolerances import Tolerance

WORST: dict[Tolerance, dict[str, float]] = {}
"""Largest deviations of the session by tolerance and quantity; printed at its end (conftest.py)."""


def assert_equal(found: Evaluation, expected: Evaluation, tolerance: Tolerance) -> None:
    """Charges, then energy and virial per atom, then forces; a failure names the quantity, atom and deviation."""
    n_atoms = len(expected.charges)
    _record(tolerance, "e", found.charges - expected.charges)
    _record(tolerance, "eV/atom", np.array((found.energy - expected.energy) / n_atoms))
    _record(tolerance, "eV/A", found.forces - expected.forces)
    _record(tolerance, "eV/atom virial", (found.virial - expected.virial) / n_atoms)
    _assert_close("charge (e) of atom", found.charges, expected.charges, tolerance.charge)
    _assert_close(
        "energy (eV/atom)",
        np.array([found.energy / n_atoms]),
        np.array([expected.energy / n_atoms]),
        tolerance.energy,
    )
    _assert_close("force (eV/A) on atom", found.forces, expected.forces, tolerance.force)
    _assert_close(
        "virial (eV/atom) component", found.virial / n_atoms, expected.virial / n_atoms, tolerance.virial
    )


def _record(tolerance: Tolerance, quantity: str, deviation: np.ndarray) -> None:
    worst = WORST.setdefault(tolerance, {})
    worst[quantity] = max(worst.get(quantity, 0.0), float(np.abs(deviation).max(initial=0.0)))


def _assert_close(what: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert found.shape == expected.shape, f"{what}: {found.shape} instead of {expected.shape}"
    deviation = np.abs(found - expected)
    worst = np.unravel_index(np.nanargmax(np.where(np.isnan(deviation), np.inf, deviation)), deviation.shape)
    assert deviation[worst] <= tolerance, (
        f"{what} {tuple(map(int, worst))}: {found[worst]!r} instead of {expected[worst]!r}, "
        f"off by {deviation[worst]:.2e}, allowed {tolerance:.0e}"
    )
