# SPDX-License-Identifier: MIT
"""Sums ``sum_n w_n exp(i k.r_n)`` over the wave vectors of a periodic cell, and their shells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 20_000_000
"""Complex numbers held at once by `fourier_sums`, 320 MB."""


class WaveVectors:
    """One of each pair +-k with ``0 < |k| <= k_max`` of a cell.

    Parameters
    ----------
    cell
        [3, 3], rows are lattice vectors, angstrom.
    k_max
        1/angstrom.

    Attributes
    ----------
    k
        [K, 3], 1/angstrom.
    length
        [K], |k|.
    """

    def __init__(self, cell: NDArray[np.float64], k_max: float) -> None:
        self.inverse = np.linalg.inv(cell)
        self.limits = np.floor(k_max * np.linalg.norm(cell, axis=1) / (2.0 * np.pi) + 1e-9).astype(int)
        a, b, c = (np.arange(-limit, limit + 1) for limit in self.limits)
        grid = np.stack(np.meshgrid(a[self.limits[0] :], b, c, indexing="ij"), axis=-1).reshape(-1, 3)
        k = 2.0 * np.pi * grid @ self.inverse.T
        length = np.linalg.norm(k, axis=1)
        first = (grid[:, 0] > 0) | (
            (grid[:, 0] == 0) & ((grid[:, 1] > 0) | ((grid[:, 1] == 0) & (grid[:, 2] > 0)))
        )
        self._kept = first & (length <= k_max * (1.0 + 1e-9))
        self.k, self.length = k[self._kept], length[self._kept]

    def fourier_sums(self, positions: NDArray, weights: NDArray) -> NDArray[np.complex128]:
        """``sum_n w_n exp(i k.r_n)``, [M, K], for M sets of weights [M, n] at positions [n, 3].

        The phase factorizes over the lattice directions (see `pair_les.long_range.energy`), so that one matrix product
        over atoms does the work; atoms are taken in chunks of bounded memory.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        n_x, n_y, n_z = self.limits[0] + 1, 2 * self.limits[1] + 1, 2 * self.limits[2] + 1
        total = np.zeros((len(weights), n_x * n_y, n_z), dtype=np.complex128)
        step = max(1, CHUNK // (n_x * n_y))
        for start in range(0, len(positions), step):
            s = positions[start : start + step].astype(np.float64) @ self.inverse
            x = np.exp(2j * np.pi * s[:, 0, None] * np.arange(n_x))
            y = np.exp(2j * np.pi * s[:, 1, None] * np.arange(-self.limits[1], self.limits[1] + 1))
            z = np.exp(2j * np.pi * s[:, 2, None] * np.arange(-self.limits[2], self.limits[2] + 1))
            xy = (x[:, :, None] * y[:, None, :]).reshape(len(s), -1)  # [n, X*Y]
            for row, weight in enumerate(weights[:, start : start + step]):
                total[row] += xy.T @ (weight[:, None] * z)  # [X*Y, n] @ [n, Z]
        return total.reshape(len(weights), -1)[:, self._kept]


class Shells:
    """Bins in |k| of equal width; a bin stands for the mean |k| of what fell into it.

    Parameters
    ----------
    k_max, width
        1/angstrom.
    """

    def __init__(self, k_max: float, width: float) -> None:
        self.width = width
        self.n = int(np.ceil(k_max / width)) + 1

    def sums(self, length: NDArray[np.float64], *values: NDArray) -> list[NDArray[np.float64]]:
        """Counts, sums of |k| and sums of each of `values`, [n] each."""
        bins = np.minimum((length / self.width).astype(int), self.n - 1)
        weights: tuple[NDArray[np.float64], ...] = (np.ones_like(length), length, *values)
        return [np.bincount(bins, weight, minlength=self.n).astype(np.float64) for weight in weights]
