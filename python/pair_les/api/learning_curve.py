# SPDX-License-Identifier: MIT
"""Errors against the number of training frames: one run for each fraction of them, with the same validation frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..output_files import write_file
from ..training.config import Config
from ..training.config_file import config_values, parse_config
from ..training.run import train as train_config
from .training_run import TrainingRun

FOLDER = "learning_curve"
"""Folder in the output of the configuration, with a run for each fraction."""

TABLE, FIGURE = "errors.csv", "errors.png"
"""Files in this folder."""

_COLUMNS = ("energy_rmse", "energy_mae", "forces_rmse", "forces_mae", "stress_rmse")


def learning_curve(config: Config, fractions: Sequence[float]) -> list[dict[str, Any]]:
    """Train on fractions of the training frames, and write table and figure of the errors.

    Runs that are finished are not repeated, and an interrupted one is resumed.

    Parameters
    ----------
    config
        Of the runs; their folders are ``learning_curve/FRACTION`` in its output.
    fractions
        Above 0, at most 1; smaller ones use frames of the larger ones. All runs have the same number of epochs.

    Returns
    -------
    Rows by increasing fraction: ``fraction``, ``n_frames``, errors on the validation frames (meV/atom, meV/angstrom,
    meV/angstrom^3) and ``output``.

    Raises
    ------
    ConfigError
        If a fraction is out of bounds or given twice, or the configuration has one of its own or more than one process.
    """
    chosen = _check(config, fractions)
    folder = Path(config.output) / FOLDER
    rows = []
    for fraction in chosen:
        output = folder / f"{fraction:g}"
        values = config_values(config)
        values["data"]["train_fraction"] = fraction
        values["output"] = str(output)
        train_config(parse_config(values, f"learning curve, fraction {fraction:g}"))
        run = TrainingRun(output)
        errors = {name: run.errors[name] for name in _COLUMNS if name in run.errors}
        rows.append({"fraction": fraction, "n_frames": run.n_train, **errors, "output": str(output)})
        _write(folder, rows)
    return rows


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines for a terminal."""
    names = [name for name in _COLUMNS if name.endswith("rmse") and name in rows[0]]
    units = {"energy_rmse": "meV/atom", "forces_rmse": "meV/A", "stress_rmse": "meV/A^3"}
    return [
        f"fraction {row['fraction']:<6g} {row['n_frames']:>7} frames"
        + "".join(f"  {name} {row[name]:.4g} {units[name]}" for name in names)
        for row in rows
    ]


def _check(config: Config, fractions: Sequence[float]) -> list[float]:
    example = "for example 0.1,0.3,1"
    if config.data.train_fraction != 1.0:
        raise ConfigError(
            f"data.train_fraction = {config.data.train_fraction:g}: a learning curve sets it: leave the key out"
        )
    for key in ("processes", "nodes"):
        if getattr(config.training, key) > 1:
            raise ConfigError(
                f"training.{key} = {getattr(config.training, key)}: a learning curve runs with 1: set it, and training.threads"
            )
    wrong = next((fraction for fraction in fractions if not 0.0 < fraction <= 1.0), None)
    if not fractions or wrong is not None:
        given = "no fraction" if wrong is None else f"{wrong:g}"
        raise ConfigError(f"learning curve: {given}: must be fractions above 0, at most 1, {example}")
    if len(set(fractions)) < len(fractions):
        raise ConfigError(f"learning curve: a fraction is given twice: give each once, {example}")
    return sorted(fractions)


def _write(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    from ..evaluation.figures import data_curve  # matplotlib

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_file(folder / TABLE, text.getvalue())
    data_curve(rows, folder / FIGURE)
