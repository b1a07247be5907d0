# SPDX-License-Identifier: MIT
"""Averages over a run with standard errors from blocks, in memory that does not grow with the run."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCKS = 5
"""Few, so that each is longer than the correlations in it; the error then has 4 degrees of freedom."""


class BlockAverage:
    """Weighted means of arrays over consecutive blocks of frames (Flyvbjerg & Petersen 1989 for why blocks).

    Parameters
    ----------
    n_samples
        How many samples will come; they are shared out evenly, in order.
    """

    def __init__(self, n_samples: int) -> None:
        self.n_blocks = max(1, min(BLOCKS, n_samples))
        self.n_samples = n_samples
        self.seen = 0
        self.sums: NDArray[np.float64] = np.zeros(0)  # [block, ...] once there is a sample
        self.weights: NDArray[np.float64] = np.zeros(0)

    def add(self, values: ArrayLike, weights: ArrayLike = 1.0) -> None:
        """Add one sample: sums of values, and of their weights (numbers of what was averaged), both broadcast."""
        values = np.asarray(values, dtype=np.float64)
        if self.seen == 0:
            self.sums = np.zeros((self.n_blocks, *values.shape))
            self.weights = np.zeros_like(self.sums)
        block = min(self.seen * self.n_blocks // max(self.n_samples, 1), self.n_blocks - 1)
        self.sums[block] += values
        self.weights[block] += weights
        self.seen += 1

    def mean(self) -> NDArray[np.float64]:
        """Mean over all samples; NaN where nothing was counted."""
        return _ratio(self.sums.sum(axis=0), self.weights.sum(axis=0))

    def blocks(self) -> NDArray[np.float64]:
        """[block, ...], the mean of each block."""
        return _ratio(self.sums, self.weights)

    def error(self) -> NDArray[np.float64]:
        """Standard error of the mean from the scatter of the blocks; NaN with a single one."""
        return standard_error(self.blocks())


def standard_error(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error of the mean of independent blocks along axis 0; NaN where fewer than two have a value."""
    known = np.isfinite(blocks)
    n = known.sum(axis=0)
    mean = _ratio(np.where(known, blocks, 0.0).sum(axis=0), n)
    squares = np.where(known, (blocks - mean) ** 2, 0.0).sum(axis=0)
    return np.sqrt(_ratio(_ratio(squares, n - 1.0), n))


def _ratio(above: ArrayLike, below: ArrayLike) -> NDArray[np.float64]:
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
