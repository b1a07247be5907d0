# SPDX-License-Identifier: MIT
"""What all figures share: colors, panels with fixed margins, and PNG files written without a display."""

from __future__ import annotations

import io
import os

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .output_files import write_file

COLORS = ("#1f5fa8", "#d1495b", "#3a8f5c", "#e0a030", "#7b5ea7", "#5b6770", "#c76b98", "#2a9d9d")
"""One for each element, pair or series, then again from the first."""

_LEFT, _RIGHT, _BOTTOM, _TOP = 0.86, 0.16, 0.52, 0.12
"""Inches around the axes of one panel, for its labels."""


def row_of_panels(n: int, width: float, height: float, title: str = "") -> tuple[Figure, list[Axes]]:
    """Figure with `n` panels side by side.

    Margins are fixed: a layout engine draws everything twice, which takes longer than the first epochs of a small training.

    Parameters
    ----------
    n
        Number of panels.
    width, height
        Of the axes of one panel, in inches.
    title
        Above the panels.
    """
    top = _TOP + (0.3 if title else 0.0)
    pitch, total_height = _LEFT + width + _RIGHT, _BOTTOM + height + top
    figure = Figure(figsize=(n * pitch, total_height))
    panels = [
        figure.add_axes(
            (
                (i * pitch + _LEFT) / (n * pitch),
                _BOTTOM / total_height,
                width / (n * pitch),
                height / total_height,
            )
        )
        for i in range(n)
    ]
    if title:
        figure.suptitle(title, y=1.0 - 0.08 / total_height, va="top")
    return figure, panels


def write_figure(figure: Figure, file: str | os.PathLike[str], dpi: int = 150) -> None:
    """Write a figure in one step by the Agg canvas, which needs neither a display nor pyplot's global state."""
    content = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(content, format="png", dpi=dpi)
    write_file(file, content.getvalue())
