# SPDX-License-Identifier: MIT
"""The learning rate as a factor on its configured value: warm-up, then cosine, plateau or constant."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .config import TrainingSection

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
        """Look at the score of one more epoch."""
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
