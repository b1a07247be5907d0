# SPDX-License-Identifier: MIT
"""Exponential moving average of the weights: what is validated, kept as best, and exported."""

from __future__ import annotations

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class MovingAverage(WeightAveraging):
    """Lightning's weight averaging with a decay that grows to `decay`: early epochs are not held back.

    The decay after n updates is ``min(decay, (1 + n) / (10 + n))``.
    """

    def __init__(self, decay: float) -> None:
        def update(averaged: list[Tensor], current: list[Tensor], n_averaged: Tensor | int) -> None:
            n = int(n_averaged)
            weight = 1.0 - min(decay, (1.0 + n) / (10.0 + n))
            for average, value in zip(averaged, current, strict=True):
                average.lerp_(value, weight)

        super().__init__(use_buffers=False, multi_avg_fn=torch.no_grad()(update))
