# SPDX-License-Identifier: MIT
"""The end of a run: figures, and a summary of the best model on the validation frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..data.frames import Frame
from ..data.graphs import Graph
from ..evaluation.accuracy import compare
from ..evaluation.breakdown import atom_symbols, breakdown
from ..evaluation.figures import learning_curve, parity
from ..output_files import json_text, write_file
from .html_report import summary_page
from .run_folder import RunFolder
from .schedule import weights_of_score
from .trained import load_trained, read_checkpoint
from .usability import find_useless_predictions, label_limits, rattle, unbounded_forces


def write_report(
    folder: RunFolder,
    rows: list[dict[str, Any]],
    train_graphs: list[Graph],
    valid_graphs: list[Graph],
    valid_frames: Sequence[Frame],
    notes: Sequence[str] = (),
) -> list[str]:
    """Write learning curves, the parity plot, the page, and, last, the summary that marks the run as finished.

    Parameters
    ----------
    folder
        Of the run.
    rows
        Of its history.
    train_graphs, valid_graphs
        Frames, energies without reference energies.
    valid_frames
        Those of `valid_graphs`, for errors by element and ``config_type``.
    notes
        Lines about data and model for the page.

    Returns
    -------
    Warnings, each a sentence.
    """
    model = load_trained(folder.best)
    comparison = compare(
        model.network.interaction,
        model.long_range,
        valid_graphs,
        model.dtype,
        condition_on_charge=model.config.model.charge_state,
    )
    learning_curve(rows, folder.learning_curve)
    parity(comparison, folder.parity, "validation frames, best epoch", atom_symbols(valid_frames))
    errors = comparison.errors()
    limits = label_limits(train_graphs, valid_graphs, len(model.species))
    rattled = rattle(model)
    problems, warnings = find_useless_predictions(errors, limits, weights_of_score(model.config.training))
    problems += unbounded_forces(rattled, limits)
    if rattled.imbalance is not None:
        warnings.append(rattled.imbalance)
    best = read_checkpoint(folder.best)["callbacks"]["RunCheckpoint"]
    summary: dict[str, Any] = {
        "epochs": len(rows),
        "best_epoch": best["best_epoch"] + 1,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
        "seconds": sum(row["seconds"] for row in rows),
        "validation": {**errors, **breakdown(comparison, valid_frames)},
        **({"started_from": dict(model.origin)} if model.origin else {}),
        "usable": not problems,
        "problems": problems,
        "warnings": warnings,
        "limits": {"energy_rmse": limits.energy, "forces_rmse": limits.forces},
        "rattled_forces_rms": rattled.forces,
    }
    write_file(folder.html, summary_page(folder, summary, notes))
    write_file(folder.summary, json_text(summary, indent=2) + "\n")
    return [*(f"not usable: {problem}" for problem in problems), *warnings]
