# SPDX-License-Identifier: MIT
"""Record of the epochs: a CSV file that agrees with the checkpoint."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from ..output_files import write_file
from .module import PotentialModule
from .squared_errors import KINDS

COLUMNS = (
    "epoch",
    "steps",
    "learning_rate",
    *(f"train_{kind}_rmse" for kind in KINDS),
    *(f"valid_{kind}_rmse" for kind in KINDS),
    "valid_score",
    "seconds",
)
"""Epochs are counted from 1. RMSE: energy meV/atom, forces meV/A, stress meV/A^3; empty without labels.
Training errors are those met on the way, validation errors those of the averaged weights at the end of the epoch."""


class History(Callback):
    """Keeps its rows in the checkpoint and rewrites the file: a resumed run repeats or loses none.

    Parameters
    ----------
    file
        The CSV file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: list[dict[str, Any]] = []
        self._seconds = 0.0  # of this epoch, before an interruption
        self._started = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of an epoch that goes on after an interruption."""
        self._started = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of a new epoch."""
        self._started, self._seconds = time.monotonic(), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add a row."""
        group = trainer.optimizers[0].param_groups[0]
        base = cast(PotentialModule, pl_module).config.training.learning_rate  # without factors of parts
        row: dict[str, Any] = {
            "epoch": trainer.current_epoch + 1,
            "steps": trainer.global_step,
            "learning_rate": group["lr"] * (base / group["initial_lr"]),
            "valid_score": float(trainer.callback_metrics["valid_score"]),
            "seconds": self._elapsed(),
        }
        for part, errors in cast(PotentialModule, pl_module).epoch_errors.items():
            row.update({f"{part}_{kind}_rmse": value for kind, value in errors.items()})
        self.rows.append(row)
        self._seconds, self._started = 0.0, time.monotonic()
        if trainer.is_global_zero:
            write_history(self.file, self.rows)
            if trainer.logger is not None:
                numbers = {name: value for name, value in row.items() if value is not None}
                trainer.logger.log_metrics(numbers, step=row["epoch"])

    def state_dict(self) -> dict[str, Any]:
        """Save or restore all rows, and the time that the epoch has taken so far."""
        return {"rows": self.rows, "seconds": self._elapsed()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Save or restore all rows, and the time that the epoch has taken so far."""
        self.rows, self._seconds = state_dict["rows"], state_dict["seconds"]

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._started


def write_history(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write all rows in one step, numbers with 7 digits."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.7g}" for key, value in row.items() if value is not None})
    write_file(file, text.getvalue())
