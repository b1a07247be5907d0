# SPDX-License-Identifier: MIT
"""Tables as CSV, figures as PNG, and one HTML page that shows everything."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment
from matplotlib.figure import Figure

from ..output_files import write_file
from ..plotting import write_figure
from .table import Table

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; color: #222 }
img { max-width: 100% } td { padding: 0 1.5em 0 0 } h2 { margin-top: 2em } footer { color: #777; margin-top: 3em }
</style></head><body>
<h1>{{ title }}</h1>
<table>{% for name, value in facts.items() %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>{% endfor %}</table>
{% for table, image in sections %}
<h2 id="{{ table.name }}">{{ table.title }}</h2>
<p>{{ table.description }}</p>
{% if table.facts %}<table>
{% for name, value in table.facts.items() %}<tr><td>{{ name }}</td><td><b>{{ value }}</b></td></tr>{% endfor %}
</table>{% endif %}
<img alt="{{ table.title }}" src="data:image/png;base64,{{ image }}">
<p>Numbers: <a href="{{ table.name }}.csv">{{ table.name }}.csv</a></p>
{% endfor %}
<footer>written by pair-les {{ version }}: {{ command }}</footer>
</body></html>
"""


def write_report(
    folder: Path, title: str, facts: dict[str, str], tables: Sequence[Table], command: str
) -> list[Path]:
    """Write NAME.csv and NAME.png of each table, and report.html with the figures inside.

    Returns
    -------
    The files, the page first.
    """
    from .. import __version__

    written, sections = [], []
    for table in (table.without_unknown_errors() for table in tables):
        figure, numbers = folder / f"{table.name}.png", folder / f"{table.name}.csv"
        _write_csv(table, numbers)
        _draw(table, figure)
        written += [numbers, figure]
        sections.append((table, base64.b64encode(figure.read_bytes()).decode("ascii")))
    page = folder / "report.html"
    template = Environment(autoescape=True).from_string(PAGE)
    write_file(
        page,
        template.render(title=title, facts=facts, sections=sections, version=__version__, command=command),
    )
    return [page, *written]


def _write_csv(table: Table, file: Path) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows([f"{value:.10g}" for value in row] for row in zip(*table.columns.values(), strict=True))
    write_file(file, text.getvalue())


def _draw(table: Table, file: Path) -> None:
    groups = [[one] for one in table.series] if table.panels else [list(table.series)]
    figure = Figure(figsize=(6.4, 4.0 + 2.0 * (len(groups) - 1)), layout="constrained")
    for number, (axes, series) in enumerate(
        zip(figure.subplots(len(groups), sharex=True, squeeze=False)[:, 0], groups, strict=True)
    ):
        for name, error in series:
            _draw_series(axes, table, name, error, color=f"C{number}" if table.panels else None)
        if table.logarithmic:
            axes.set(xscale="log", yscale="log")
        axes.set_ylabel(series[0][0] if len(series) == 1 else "")
        if len(series) > 1:
            axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(table.x)
    write_figure(figure, file, dpi=130)


def _draw_series(axes, table: Table, name: str, error: str | None, color: str | None) -> None:
    x, y = table.columns[table.x], table.columns[name]
    width = None if error is None else np.nan_to_num(table.columns[error])
    if table.markers:
        axes.errorbar(x, y, width, fmt="o", markersize=4, capsize=3, label=name, color=color)
        return
    marker = "." if len(x) < 60 else None
    (line,) = axes.plot(x, y, linewidth=1.3, marker=marker, label=name, color=color)
    if width is not None:
        axes.fill_between(x, y - width, y + width, color=line.get_color(), alpha=0.25, linewidth=0)
