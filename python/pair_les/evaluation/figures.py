# SPDX-License-Identifier: MIT
"""Figures of a training run: learning curves and parity plots, as PNG files without a display."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from ..plotting import COLORS, row_of_panels, write_figure
from .accuracy import Comparison

TRAIN_COLOR, VALID_COLOR = "#7f8c9b", "#1f5fa8"
MOST_POINTS = 20000
"""Points drawn in one panel; more only make the figure slow."""

FEW_POINTS = 400
"""Numbers in one panel up to which markers are larger."""

SHORT_RANGE = 3.0
"""Ratio of the largest to the smallest number up to which an axis is linear."""

MOST_DIGITS = 100.0
"""Ratio of a number to the range of its axis from which on the difference from a round number is drawn."""

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
    figure, panels = row_of_panels(len(kinds) + 1, 3.2, 2.7)
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
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_figure(figure, file)


def data_curve(rows: Sequence[Mapping[str, Any]], file: str | os.PathLike[str]) -> None:
    """RMSE of each kind of label on the validation frames against the number of training frames, both logarithmic.

    Parameters
    ----------
    rows
        Of `pair_les.api.learning_curve`.
    file
        PNG to write.
    """
    kinds = [kind for kind in _CURVES if f"{kind}_rmse" in rows[0]]
    figure, panels = row_of_panels(len(kinds), 3.2, 2.7)
    for axes, kind in zip(panels, kinds, strict=True):
        sizes, errors = [row["n_frames"] for row in rows], [row[f"{kind}_rmse"] for row in rows]
        axes.plot(sizes, errors, color=VALID_COLOR, marker="o")
        axes.set(xlabel="training frames", ylabel=_CURVES[kind], xscale="log")
        _logarithmic(axes)
    write_figure(figure, file)


def parity(
    comparison: Comparison,
    file: str | os.PathLike[str],
    title: str = "",
    symbols: NDArray[np.str_] | None = None,
) -> None:
    """Predictions against labels: energy per atom, force components and stress components, where there are labels.

    Parameters
    ----------
    comparison
        Labels and predictions.
    file
        PNG to write.
    title
        Above the panels.
    symbols
        Elements of the atoms, [N], which the forces are then colored by.
    """
    c, errors = comparison, comparison.errors()
    panels: list[tuple[str, list[Points], str]] = []
    if "energy_rmse" in errors:
        labels, predictions = c.energy_label / c.n_atoms, c.energy / c.n_atoms
        offset = _common_offset(labels, predictions)
        shift = f" {'-' if offset > 0 else '+'} {abs(offset):.10g}" if offset else ""
        points = Points("", labels - offset, predictions - offset)
        panels.append((f"energy{shift} (eV/atom)", [points], f"RMSE {errors['energy_rmse']:.2f} meV/atom"))
    if "forces_rmse" in errors:
        text = f"RMSE {errors['forces_rmse']:.1f} meV/Å"
        panels.append(("force (eV/Å)", _points_by_element(c, symbols), text))
    if "stress_rmse" in errors:
        points = Points("", c.stress_label, c.stress)
        panels.append(("stress (eV/Å³)", [points], f"RMSE {errors['stress_rmse']:.3g} meV/Å³"))
    figure, axes_of_panels = row_of_panels(len(panels), 3.0, 3.0, title)
    for axes, panel in zip(axes_of_panels, panels, strict=True):
        _parity_panel(axes, *panel)
    write_figure(figure, file)


def calibration_curve(report: dict[str, Any], file: str | os.PathLike[str], title: str = "") -> None:
    """Draw predicted uncertainties of forces against their errors.

    Parameters
    ----------
    report
        Of `uncertainty_report`, not empty.
    file
        PNG to write.
    title
        Above the panel.
    """
    sigma = [row["uncertainty"] for row in report["curve"]]
    errors = [row["error"] for row in report["curve"]]
    figure, (axes,) = row_of_panels(1, 3.2, 3.2, title)
    limits = (0.8 * min(*sigma, *errors), 1.25 * max(*sigma, *errors))
    axes.plot(limits, limits, color="0.6", linewidth=0.8)
    axes.plot(sigma, errors, "o-", color=COLORS[0])
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="predicted uncertainty of the force (meV/Å)", ylabel="rms error of the force (meV/Å)")
    text = f"rank correlation {report['correlation']:.2f}\nmost uncertain tenth: {report['top_tenth']:.2f} × mean"
    axes.text(0.04, 0.96, text, transform=axes.transAxes, va="top")
    axes.spines[["top", "right"]].set_visible(False)
    write_figure(figure, file)


@dataclass(frozen=True)
class Points:
    """Labels and predictions of one color, of any shape; NaN without a label."""

    name: str
    labels: NDArray[np.float64]
    predictions: NDArray[np.float64]


def _points_by_element(comparison: Comparison, symbols: NDArray[np.str_] | None) -> list[Points]:
    """Force components, the most frequent element first, so that the others are drawn above it."""
    if symbols is None:
        return [Points("", comparison.forces_label, comparison.forces)]
    points = []
    for symbol, _ in Counter(symbols.tolist()).most_common():
        own = symbols == symbol
        labels, predictions = comparison.forces_label[own], comparison.forces[own]
        rmse = 1000.0 * float(np.sqrt(np.nanmean((labels - predictions) ** 2)))
        points.append(Points(f"{symbol}: {rmse:.1f} meV/Å", labels, predictions))
    return points


def _parity_panel(axes: Axes, name: str, points: list[Points], text: str) -> None:
    share = MOST_POINTS // len(points)
    drawn = [_drawn_points(part, share) for part in points]
    together = np.concatenate([values for pair in drawn for values in pair])
    low, high = float(together.min()), float(together.max())
    margin = 0.03 * (high - low) or 1e-3
    limits = (low - margin, high + margin)
    size = 4 if len(together) > FEW_POINTS else 16
    axes.plot(limits, limits, color="0.6", linewidth=0.8, zorder=1)
    for number, (part, (x, y)) in enumerate(zip(points, drawn, strict=True)):
        color = COLORS[number % len(COLORS)]
        axes.scatter(
            x, y, s=size, alpha=0.4, color=color, linewidths=0, rasterized=True, zorder=2, label=part.name
        )
    axes.set(xlabel=f"label: {name}", ylabel=f"model: {name}", aspect="equal", xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.ticklabel_format(useOffset=False)
    axes.text(0.04, 0.96, text, transform=axes.transAxes, va="top")
    if points[0].name:
        legend = axes.legend(
            loc="lower right", frameon=False, fontsize="small", markerscale=2.5, handletextpad=0.2
        )
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1.0)
    axes.spines[["top", "right"]].set_visible(False)


def _drawn_points(points: Points, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labeled points, `most` of them at random where there are more."""
    labeled = np.isfinite(points.labels)
    x, y = points.labels[labeled], points.predictions[labeled]
    if len(x) > most:
        chosen = np.random.default_rng(0).choice(len(x), most, replace=False)
        x, y = x[chosen], y[chosen]
    return x, y


def _logarithmic(axes: Axes) -> None:
    """Logarithmic y axis with plain numbers, which are read and drawn faster than powers of ten; linear for a short range."""
    low, high = axes.dataLim.intervaly
    if low > 0.0 and high > SHORT_RANGE * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.grid(True, color="0.92", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _common_offset(*values: NDArray[np.float64]) -> float:
    """Number to subtract, so that tick labels are short: that of energies with atomic parts of the reference in them, else 0."""
    low, high = (float(f([f(v[np.isfinite(v)]) for v in values])) for f in (np.min, np.max))
    middle = 0.5 * (low + high)
    if abs(middle) < MOST_DIGITS * (high - low) or high == low:
        return 0.0
    step = 10.0 ** np.ceil(np.log10(high - low))
    return float(step * np.round(middle / step))
