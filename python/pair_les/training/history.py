# SPDX-License-Identifier: MIT
"""Record of the epochs: a CSV file that agrees with the checkpoint, and a line on the terminal."""

from __future__ import annotations

import csv
import io
import sys
import time
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

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


class Terminal(Callback):
    """A progress bar within each epoch (terminals only) and one line after it, on stderr."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._bar: tqdm | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance the progress bar by one step."""
        if not trainer.is_global_zero or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = tqdm(
                total=trainer.num_training_batches,
                initial=batch_idx,
                desc=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}",
                unit="step",
                leave=False,
                dynamic_ncols=True,
            )
        self._bar.update()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the progress bar of the steps of this epoch."""
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Close the progress bar, so that the message of the error starts on a line of its own."""
        self._close()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the line of this epoch (the history, earlier in the list of callbacks, has its row by now)."""
        if not trainer.is_global_zero:
            return
        row = self.history.rows[-1]
        parts = [f"epoch {row['epoch']:>{len(str(trainer.max_epochs))}}/{trainer.max_epochs}"]
        for part in ("train", "valid"):
            energy, forces, stress = (row[f"{part}_{kind}_rmse"] for kind in KINDS)
            parts.append(part)
            parts[-1] += "" if energy is None else f" E {energy:.2f} meV/atom"
            parts[-1] += "" if forces is None else f" F {forces:.1f} meV/A"
            parts += [] if stress is None else [f"S {stress:.3g} meV/A^3"]
        parts += [f"lr {row['learning_rate']:.1e}", f"{row['seconds']:.1f} s"]
        print("  ".join(parts), file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
