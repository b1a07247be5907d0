# SPDX-License-Identifier: MIT
"""Predicted uncertainties against the errors that labels show: what ``pair-les evaluate`` reports of a model with uncertainties."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accuracy import Comparison
from .uncertainty import Deviations

BINS = 10
"""Points of the calibration curve: atoms in order of their uncertainty, as many in each."""

TOP_SHARE = 0.1
"""Of the atoms, which are called the most uncertain ones."""


def uncertainty_report(comparison: Comparison, found: Deviations) -> dict[str, Any]:
    """Return how well uncertainties of forces and energies describe the errors; empty without labels of forces.

    Returns
    -------
    dict
        ``correlation``: rank correlation of uncertainty and error of the forces. ``top_tenth``: mean error of the most uncertain
        tenth of the atoms over that of all. ``forces_ratio``, ``energy_ratio``: root mean square of errors over uncertainties, 1 where
        they are calibrated. ``curve``: for `BINS` groups of atoms the root mean squares of uncertainty and error (meV/angstrom).
    """
    errors = np.linalg.norm(comparison.forces_errors, axis=1)
    known = np.isfinite(errors)
    if known.sum() < BINS:
        return {}
    errors, sigma = errors[known], 1000.0 * found.forces[known]
    order = np.argsort(sigma, kind="stable")
    n_top = max(1, int(TOP_SHARE * len(errors)))
    report: dict[str, Any] = {
        "correlation": _rank_correlation(sigma, errors),
        "top_tenth": float(errors[order[-n_top:]].mean() / errors.mean()),
        "forces_ratio": _rms(errors / sigma),
        "curve": [
            {"uncertainty": _rms(sigma[part]), "error": _rms(errors[part])}
            for part in np.array_split(order, BINS)
        ],
    }
    energies = comparison.energy - comparison.energy_label
    labeled = np.isfinite(energies)
    if labeled.any():
        report["energy_ratio"] = _rms(energies[labeled] / found.total[labeled])
    return report


def report_lines(report: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    if not report:
        return []
    lines = [
        f"uncertainty          rank correlation with the error of forces {report['correlation']:.2f}, most uncertain tenth "
        f"{report['top_tenth']:.2f} times the mean error",
        f"uncertainty          rms of error over uncertainty: forces {report['forces_ratio']:.2f}"
        + (f", energies {report['energy_ratio']:.2f}" if "energy_ratio" in report else ""),
    ]
    for row in report["curve"]:
        lines.append(
            f"calibration          uncertainty {row['uncertainty']:.4g}, error {row['error']:.4g} meV/A"
        )
    return lines


def _rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's rank correlation of numbers that differ."""
    first, second = (np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
