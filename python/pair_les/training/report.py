# SPDX-License-Identifier: MIT
"""The end of a run: figures, and a summary of the best model on the validation frames."""

from __future__ import annotations

import json
from typing import Any

from ..accuracy import compare
from ..data.graphs import Graph
from ..figures import learning_curve, parity
from ..output_files import write_file
from .run_folder import RunFolder
from .trained import load_trained, read_checkpoint


def write_report(folder: RunFolder, rows: list[dict[str, Any]], valid_graphs: list[Graph]) -> None:
    """Write learning curves, the parity plot, and, last, the summary that marks the run as finished.

    Parameters
    ----------
    folder
        Of the run.
    rows
        Of its history.
    valid_graphs
        Validation frames, energies without reference energies.
    """
    model = load_trained(folder.best)
    comparison = compare(
        model.network.interaction,
        model.long_range,
        valid_graphs,
        model.dtype,
        tell_charge=model.config.model.charge_state,
    )
    learning_curve(rows, folder.learning_curve)
    parity(comparison, folder.parity, "validation frames, best epoch")
    best = read_checkpoint(folder.best)["callbacks"]["RunCheckpoint"]
    summary = {
        "epochs": len(rows),
        "best_epoch": best["best_epoch"] + 1,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
        "seconds": sum(row["seconds"] for row in rows),
        "validation": comparison.errors(),
    }
    write_file(folder.summary, json.dumps(summary, indent=2) + "\n")
