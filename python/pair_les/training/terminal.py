# SPDX-License-Identifier: MIT
"""Progress of a run: a bar within each epoch, a line after it with the time that is left, and an early estimate of the whole."""

from __future__ import annotations

import sys
import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

from .history import History
from .run_log import RunLog
from .squared_errors import KINDS
from .start_report import duration

ESTIMATE_AFTER = 5.0
"""Seconds of the first epoch after which its length is estimated."""

AVERAGED_EPOCHS = 5
"""The last ones, whose mean the time that is left is estimated from."""


class Terminal(Callback):
    """Shows a progress bar within each epoch (terminals only) and says one line after it.

    Parameters
    ----------
    history
        Has the row of an epoch when its line is said: it is earlier in the list of callbacks.
    say
        Takes the lines.
    """

    def __init__(self, history: History, say: RunLog) -> None:
        self.history = history
        self.say = say
        self._bar: tqdm | None = None
        self._started: float | None = None  # of the first epoch, until its length has been estimated
        self._first_batch = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the estimate."""
        self._started = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance the progress bar by one step; estimate the length of the first epoch of this process once."""
        if not trainer.is_global_zero:
            return
        self._estimate(trainer, batch_idx)
        if not sys.stderr.isatty():
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
        """Say the line of this epoch."""
        self._first_batch = -1  # the first epoch is over
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
        left = (trainer.max_epochs or 0) - row["epoch"]
        if left > 0:
            recent = [row["seconds"] for row in self.history.rows[-AVERAGED_EPOCHS:]]
            parts.append(f"{duration(left * sum(recent) / len(recent))} left")
        self.say("  ".join(parts))

    def _estimate(self, trainer: pl.Trainer, batch_idx: int) -> None:
        """Say how long an epoch and the run take, once, where the first epoch of this process takes long."""
        if self._first_batch < 0:
            return
        now = time.monotonic()
        if self._started is None:  # the first step compiles and allocates: it does not count
            self._started, self._first_batch = now, batch_idx
            return
        steps = batch_idx - self._first_batch
        if now - self._started < ESTIMATE_AFTER or steps < 2:
            return
        epoch = (now - self._started) / steps * float(trainer.num_training_batches)
        self._first_batch = -1
        left = (trainer.max_epochs or 0) - trainer.current_epoch
        self.say(f"estimated time: {duration(epoch)} per epoch, {duration(left * epoch)} for {left} epochs")

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
