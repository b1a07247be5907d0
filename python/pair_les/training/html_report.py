# SPDX-License-Identifier: MIT
"""``summary.html`` of a run: one file without links to others, for mail and for archives."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .run_folder import RunFolder

_STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}pre{background:#f6f6f6;padding:1em;overflow:auto}"
    ".problem{color:#a00}"
)

_UNITS = {"energy": "meV/atom", "forces": "meV/Å", "stress": "meV/Å³"}


def summary_page(folder: RunFolder, summary: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The page as text.

    Parameters
    ----------
    folder
        Of the run; its configuration and figures are put into the page.
    summary
        Content of ``summary.json``.
    notes
        Lines about data and model.
    """
    validation = summary["validation"]
    errors = {name: value for name, value in validation.items() if isinstance(value, int | float)}
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(str(folder.path))}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{escape(str(folder.path))}</h1>",
        f"<p>{summary['epochs']} epochs, best {summary['best_epoch']}, {summary['parameters']} parameters, "
        f"{summary['seconds']:.0f} s of training.</p>",
        *(f"<p class='problem'>Not usable: {escape(text)}.</p>" for text in summary["problems"]),
        *(f"<p class='problem'>Warning: {escape(text)}.</p>" for text in summary["warnings"]),
        "<h2>Errors on the validation frames, best epoch</h2>",
        _table(["", "", ""], [[name, _number(value), _unit(name)] for name, value in errors.items()]),
        _named_table("element", validation.get("by_element", {})),
        _named_table("config_type", validation.get("by_config_type", {})),
        _rows_table("Worst frames", validation.get("worst_frames", [])),
        _image(folder.parity, "parity plots"),
        "<h2>History</h2>",
        _image(folder.learning_curve, "errors by epoch"),
        "<h2>Data and model</h2><ul>",
        *(f"<li>{escape(note)}</li>" for note in notes),
        f"</ul><h2>Configuration</h2><pre>{escape(_text(folder.config))}</pre></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _named_table(name: str, table: Mapping[str, Mapping[str, Any]]) -> str:
    return _rows_table("", [{name: key, **row} for key, row in table.items()])


def _rows_table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of rows with the same keys; empty where there are none."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    body = [[_number(row.get(column, "")) for column in columns] for row in rows]
    return heading + _table([f"{column} {_unit(column)}".strip() for column in columns], body)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(text)}</th>" for text in head) if any(head) else ""
    lines = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in (cells, *lines) if line) + "</table>"


def _image(file: Path, text: str) -> str:
    if not file.is_file():
        return ""
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"<img alt='{escape(text)}' src='data:image/png;base64,{content}'>"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _unit(name: str) -> str:
    kind, _, measure = name.partition("_")
    return _UNITS.get(kind, "") if measure in ("rmse", "mae", "error") else ""
