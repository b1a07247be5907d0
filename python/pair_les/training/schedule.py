# SPDX-License-Identifier: MIT
"""Schedules of a training: the learning rate, as a factor on its configured value, and the weights of the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .config import TrainingSection
from .config_loss import LossSection

SMALLEST_FACTOR = 0.01
"""Reached at the end of the cosine schedule, never undercut by the plateau schedule."""


@dataclass
class Plateau:
    """Halves the factor when the validation score has not improved for `patience` epochs.

    Not torch's ReduceLROnPlateau, which writes rates into the optimizer and so cannot be combined with a
    warm-up.
    """

    factor: float = 1.0
    best: float = math.inf
    waited: int = 0

    def step(self, score: float, patience: int) -> None:
        """Update the factor with the score of one more epoch."""
        if score < self.best:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited > patience:
            self.factor, self.waited = max(0.5 * self.factor, SMALLEST_FACTOR), 0


def rate_factor(step: int, steps_per_epoch: int, training: TrainingSection, plateau: Plateau) -> float:
    """Factor on the learning rate after `step` optimizer steps."""
    warmup = max(round(training.warmup_epochs * steps_per_epoch), 1)
    if step < warmup:
        return (step + 1) / warmup
    if training.schedule == "cosine":
        total = max(training.epochs * steps_per_epoch - warmup, 1)
        cosine = 0.5 * (1.0 + math.cos(math.pi * min((step - warmup) / total, 1.0)))
        return SMALLEST_FACTOR + (1.0 - SMALLEST_FACTOR) * cosine
    return plateau.factor if training.schedule == "plateau" else 1.0


def weights_of_epoch(epoch: int, training: TrainingSection) -> LossSection:
    """Weights of the loss in an epoch (counted from 0)."""
    stage = training.final_stage
    start = 0.0 if stage is None else stage.start * training.epochs
    if stage is None or epoch < start:
        return training.loss
    if not stage.ramp:
        return stage.loss
    done = (epoch + 1 - start) / (training.epochs - start)
    first, last = training.loss.model_dump(), stage.loss.model_dump()
    return LossSection(**{kind: _interpolate(first[kind], last[kind], done) for kind in first})


def weights_of_score(training: TrainingSection) -> LossSection:
    """Weights of the validation score: those of the end, at all times, so that epochs can be compared."""
    return training.loss if training.final_stage is None else training.final_stage.loss


def _interpolate(first: float, last: float, done: float) -> float:
    """Interpolate from `first` (0) to `last` (1) by a constant factor, or, where one of them is 0, by a constant step."""
    if first > 0.0 and last > 0.0:
        return first * (last / first) ** done
    return first + (last - first) * done
