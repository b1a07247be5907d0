# SPDX-License-Identifier: MIT
"""Radial distribution functions of all pairs of types, with MDAnalysis's distance search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .blocks import BlockAverage
from .table import Table
from .trajectory import Snapshot

CHUNK = 20_000
"""Atoms whose neighbors are held at once: some ten million pairs at usual densities."""


class RadialDistributions:
    """Accumulates g(r) of all pairs of types.

    Parameters
    ----------
    n_frames
        How many will come.
    r_max, width
        Range, at most half the smallest height of the cell, and bin width, angstrom.
    names
        Of the types 1, 2, ...
    """

    def __init__(self, n_frames: int, r_max: float, width: float, names: Sequence[str]) -> None:
        self.names = list(names)
        self.edges = np.arange(0.0, r_max + 0.5 * width, width)
        self.average = BlockAverage(n_frames)

    def add(self, snapshot: Snapshot) -> None:
        """Add one frame."""
        reach = float(self.edges[-1])
        half = 0.5 / np.linalg.norm(np.linalg.inv(snapshot.cell), axis=0).max()
        if reach > half * (1.0 + 1e-6):
            raise DataError(
                f"r_max {reach:g} A is more than half the smallest height of the cell, {half:.4g} A: take a smaller one"
            )
        n_types, n_bins = len(self.names), len(self.edges) - 1
        types = snapshot.types - 1
        flat = np.zeros(n_types * n_types * n_bins)
        for pairs, distances in _pairs(snapshot, reach):
            low, high = np.sort(types[pairs], axis=1).T
            bins = np.minimum(np.searchsorted(self.edges, distances, side="right") - 1, n_bins - 1)
            flat += np.bincount((low * n_types + high) * n_bins + bins, minlength=len(flat))
        counts = flat.reshape(n_types, n_types, n_bins)

        number = np.bincount(types, minlength=n_types).astype(float)
        pairs_in_all = np.outer(number, number) - np.diag(number)
        np.fill_diagonal(pairs_in_all, 0.5 * np.diag(pairs_in_all))  # each unlike pair was counted once
        shells = 4.0 / 3.0 * np.pi * np.diff(self.edges**3) / snapshot.volume
        # every pair is uniformly distributed in an ideal gas: the expected count in a shell
        self.average.add(counts, pairs_in_all[:, :, None] * shells)

    def tables(self) -> list[Table]:
        """r, g(r) of each pair of types and its error."""
        mean, error = self.average.mean(), self.average.error()
        columns = {"r (A)": 0.5 * (self.edges[1:] + self.edges[:-1])}
        series = []
        for i, first in enumerate(self.names):
            for j in range(i, len(self.names)):
                name = f"g {first}-{self.names[j]}"
                if np.isfinite(mean[i, j]).any():
                    columns[name], columns[f"{name} error"] = mean[i, j], error[i, j]
                    series.append((name, f"{name} error"))
        return [
            Table(
                name="radial_distributions",
                title="Radial distribution functions",
                columns=columns,
                series=tuple(series),
                description="Pairs of each kind of atom against those of an ideal gas of equal density.",
            )
        ]


def _pairs(snapshot: Snapshot, reach: float) -> Iterator[tuple[NDArray, NDArray]]:
    """Every pair closer than `reach` once, in pieces of bounded memory: indices [P, 2] and distances [P]."""
    from MDAnalysis.lib.distances import capped_distance

    for start in range(0, len(snapshot.positions), CHUNK):
        some = snapshot.positions[start : start + CHUNK]
        pairs, distances = capped_distance(some, snapshot.positions, reach, box=snapshot.dimensions)
        once = pairs[:, 0] + start < pairs[:, 1]
        yield pairs[once] + [start, 0], distances[once]
