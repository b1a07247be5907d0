# SPDX-License-Identifier: MIT
"""Figures of a training run: learning curves and parity plots, as PNG files without a display."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..data.report.figures import write_figure
from .accuracy import Comparison

TRAIN_COLOR, VALID_COLOR = "#7f8c9b", "#1f5fa8"
MOST_POINTS = 20000
"""Points drawn in one panel; more only make the figure slow."""

_CURVES = {
    "energy": "energy RMSE (meV/atom)",
    "forces": "force RMSE (meV/Å)",
    "stress": "stress RMSE (meV/Å³)",
}


def learning_curve(rows: Sequence[dict[str, Any]], file: str | os.PathLike[str]) -> None:
    """RMSE of each kind of label against the epoch, logarithmic, with the learning rate underneath.

    Parameters
    ----------
    rows
        Of `training.history`.
    file
        PNG to write.
    """
    epochs = [row["epoch"] for row in rows]
    kinds = [kind for kind in _CURVES if any(row.get(f"valid_{kind}_rmse") is not None for row in rows)]
    figure = Figure(figsize=(4.2 * (len(kinds) + 1), 3.4), layout="constrained")
    panels = figure.subplots(1, len(kinds) + 1, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=False):
        for part, color in (("train", TRAIN_COLOR), ("valid", VALID_COLOR)):
            values = [row.get(f"{part}_{kind}_rmse") for row in rows]
            axes.plot(epochs, [np.nan if v is None else v for v in values], color=color, label=part)
        axes.set(xlabel="epoch", ylabel=_CURVES[kind])
        _logarithmic(axes)
        axes.legend(frameon=False)
    panels[-1].plot(epochs, [row["learning_rate"] for row in rows], color=TRAIN_COLOR)
    panels[-1].set(xlabel="epoch", ylabel="learning rate")
    _logarithmic(panels[-1])
    write_figure(figure, file)


def parity(comparison: Comparison, file: str | os.PathLike[str], title: str = "") -> None:
    """Predictions against labels: energy per atom, force components and stress components, where there are labels.

    Parameters
    ----------
    comparison
        Labels and predictions.
    file
        PNG to write.
    title
        Above the panels.
    """
    c, errors = comparison, comparison.errors()
    panels = []
    if "energy_rmse" in errors:
        rmse = f"{errors['energy_rmse']:.2f} meV/atom"
        panels.append(("energy (eV/atom)", c.energy_label / c.n_atoms, c.energy / c.n_atoms, rmse))
    if "forces_rmse" in errors:
        panels.append(("force (eV/Å)", c.forces_label, c.forces, f"{errors['forces_rmse']:.1f} meV/Å"))
    if "stress_rmse" in errors:
        panels.append(("stress (eV/Å³)", c.stress_label, c.stress, f"{errors['stress_rmse']:.3g} meV/Å³"))
    figure = Figure(figsize=(3.8 * len(panels), 3.8), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _parity_panel(axes, *panel)
    if title:
        figure.suptitle(title)
    write_figure(figure, file)


def _parity_panel(
    axes: Axes, name: str, labels: NDArray[np.float64], predictions: NDArray[np.float64], rmse: str
) -> None:
    labeled = np.isfinite(labels)
    x, y = labels[labeled], predictions[labeled]
    if len(x) > MOST_POINTS:
        chosen = np.random.default_rng(0).choice(len(x), MOST_POINTS, replace=False)
        x, y = x[chosen], y[chosen]
    low, high = min(x.min(), y.min()), max(x.max(), y.max())
    margin = 0.03 * (high - low) or 1e-3
    axes.plot(
        [low - margin, high + margin], [low - margin, high + margin], color="0.6", linewidth=0.8, zorder=1
    )
    axes.scatter(x, y, s=4, alpha=0.4, color=VALID_COLOR, linewidths=0, rasterized=True, zorder=2)
    axes.set(xlabel=f"label: {name}", ylabel=f"model: {name}", aspect="equal")
    axes.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
    axes.text(0.04, 0.96, f"RMSE {rmse}", transform=axes.transAxes, va="top")
    axes.spines[["top", "right"]].set_visible(False)


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.grid(True, which="both", color="0.92", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
