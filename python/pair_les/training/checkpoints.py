# SPDX-License-Identifier: MIT
"""Checkpoints that survive a kill at any moment, and the callback that decides when to write them."""

from __future__ import annotations

import io
import math
import os
import time
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import torch
import torch.distributed as dist
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint

from ..errors import Interrupted, RunError
from ..output_files import write_file
from .interruption import SignalWatch
from .module import PotentialModule

LAST = "last.ckpt"
BEST = "best.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the old file, to the disk, and then takes its place in one step.

    Lightning's own writer goes through the system's temporary folder; moving a file from there to another
    file system is a copy, which a kill can leave half done where the previous checkpoint was.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write the checkpoint; afterwards either the whole new file is there, or the old one."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_file(path, content.getvalue())


class RunCheckpoint(Checkpoint):
    """Writes `LAST` after each epoch and when time or a signal asks for it, `BEST` when the score improves.

    Parameters
    ----------
    folder
        Where the two files are.
    seconds
        A checkpoint is written within an epoch when the last one is older.
    description
        What a checkpoint needs to become a model without its configuration file (plain values and tensors).
    """

    def __init__(self, folder: Path, seconds: float, description: dict[str, Any]) -> None:
        self.folder = folder
        self.seconds = seconds
        self.description = description
        self.best_score = float("inf")
        self.best_epoch = -1
        self._signals = SignalWatch()
        self._written = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning has set its own signal handlers by now; these replace them until training ends."""
        self._signals.install()
        self._written = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a checkpoint where one is due (all averages and schedules are up to date, Checkpoint callbacks come last)."""
        signum, due = self._agree(trainer, cast(PotentialModule, pl_module).loss)
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # validation follows, and then the checkpoint of the epoch
        if signum or due:
            self._write(trainer, LAST)
        if signum:
            raise Interrupted(signum)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint of the epoch, after its validation, history, early stopping and plateau schedule."""
        score = float(trainer.callback_metrics["valid_score"])
        signum, _ = self._agree(trainer, score)
        if score < self.best_score:
            self.best_score, self.best_epoch = score, trainer.current_epoch
            self._write(trainer, BEST)
        self._write(trainer, LAST)
        if signum:
            raise Interrupted(signum)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the signal handlers of the system."""
        self._signals.restore()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the signal handlers of the system."""
        self._signals.restore()

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best_score": self.best_score, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The best score so far."""
        self.best_score, self.best_epoch = state_dict["best_score"], state_dict["best_epoch"]

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Make the checkpoint self-contained; `stopped`: early stopping has ended the training."""
        checkpoint["pair_les"] = {**self.description, "stopped": bool(trainer.should_stop)}

    def _write(self, trainer: pl.Trainer, name: str) -> None:
        trainer.save_checkpoint(self.folder / name)
        self._written = time.monotonic()

    def _agree(self, trainer: pl.Trainer, loss: float) -> tuple[int, bool]:
        """Return the signal that any process has received (0: none), and whether to write: the same on all of them.

        Raises
        ------
        RunError
            On all processes, where the loss of one of them is not finite: such weights must not reach a
            checkpoint.
        """
        finite = math.isfinite(loss)
        signum, due = self._signals.received, time.monotonic() - self._written > self.seconds
        if trainer.world_size > 1:
            flags = torch.tensor([int(not finite), signum, int(due)], device=trainer.strategy.root_device)
            dist.all_reduce(flags, dist.ReduceOp.MAX)
            finite, signum, due = not flags[0], int(flags[1]), bool(flags[2])
        if not finite:
            raise RunError(
                f"the loss is not finite any more in epoch {trainer.current_epoch + 1}: use a lower "
                "training.learning_rate (and another output), and look for wrong labels"
            )
        return signum, due
