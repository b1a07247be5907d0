# SPDX-License-Identifier: MIT
"""Figures of a data set, as PNG files without a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...plotting import COLORS, write_figure
from ..graphs import find_elements
from .problems import PAIR_CUTOFF
from .summary import DataReport, force_sizes

_MOST_BARS = 20


def write_figures(report: DataReport, folder: Path) -> list[Path]:
    """Write composition.png, energies.png, forces.png and distances.png, each where there is something to draw."""
    drawn = []
    for name, draw in (
        ("composition", _draw_composition),
        ("energies", _draw_energies),
        ("forces", _draw_forces),
        ("distances", _draw_distances),
    ):
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.subplots()
        if draw(axes, report):
            axes.spines[["top", "right"]].set_visible(False)
            file = folder / f"{name}.png"
            write_figure(figure, file)
            drawn.append(file)
    return drawn


def _draw_composition(axes: Axes, report: DataReport) -> bool:
    counts = report.numbers["compositions"]
    names = list(counts)[:_MOST_BARS]
    axes.barh(names[::-1], [counts[name] for name in names[::-1]], color=COLORS[0], height=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.5 / max(len(names), 1))
    axes.set(xlabel="frames", title=f"compositions ({len(counts)})")
    return bool(counts)


def _draw_energies(axes: Axes, report: DataReport) -> bool:
    frames = [frame for frame in report.frames if frame.has_energy]
    files = {frame.file: COLORS[0] for frame in frames}
    files = {file: COLORS[number % len(COLORS)] for number, file in enumerate(files)}
    for file, color in files.items():
        own = [(place, frame) for place, frame in enumerate(frames) if frame.file == file]
        energies = [frame.energy / len(frame) for _, frame in own]
        axes.plot(
            [place for place, _ in own], energies, ".", color=color, markersize=4, label=Path(file).name
        )
    axes.set(xlabel="frame, in the order of the files", ylabel="energy (eV/atom)")
    axes.ticklabel_format(axis="y", useOffset=False)
    if 1 < len(files) <= len(COLORS):
        axes.legend(frameon=False, fontsize="small")
    return bool(frames)


def _draw_forces(axes: Axes, report: DataReport) -> bool:
    sizes = force_sizes(report.frames)
    if not sizes:
        return False
    largest = max(float(values.max()) for values in sizes.values())
    smallest = max(1e-4 * largest, 1e-6)
    edges = np.geomspace(smallest, max(largest, 2.0 * smallest), 61)
    for number, (symbol, values) in enumerate(sizes.items()):
        clipped = np.clip(values, smallest, None)
        axes.hist(
            clipped,
            edges.tolist(),
            histtype="step",
            color=COLORS[number % len(COLORS)],
            label=symbol,
            linewidth=1.4,
        )
    axes.set(xscale="log", yscale="log", xlabel="size of the force (eV/Å)", ylabel="atoms")
    axes.legend(frameon=False, ncols=1 + len(sizes) // 8)
    return True


def _draw_distances(axes: Axes, report: DataReport) -> bool:
    edges = np.linspace(0.0, PAIR_CUTOFF, 161)
    names = find_elements(report.frames)
    pairs = [f"{a}-{b}" for i, a in enumerate(names) for b in names[i:] if f"{a}-{b}" in report.distances]
    for number, pair in enumerate(pairs):
        counts = np.histogram(report.distances[pair], edges)[0] / 2.0  # each pair of atoms is two edges
        axes.stairs(counts, edges, color=COLORS[number % len(COLORS)], label=pair, linewidth=1.2)
    axes.set(yscale="log", xlabel="distance (Å)", ylabel="pairs of atoms", xlim=(0.0, PAIR_CUTOFF))
    if pairs:
        axes.legend(frameon=False, ncols=1 + len(pairs) // 8, fontsize="small")
    return bool(pairs)
