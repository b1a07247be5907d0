# SPDX-License-Identifier: MIT
"""Estimate of the number of neighbors within a cutoff, before any neighbor list is made."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import DataError
from .frames import Frame

_USUAL_NEIGHBORS = 60
"""A cutoff of 5 to 6 angstrom in condensed matter."""


def require_few_neighbors(frames: Sequence[Frame], cutoff: float, limit: int) -> None:
    """Check that atoms have no more than `limit` neighbors on average over the atoms of all frames.

    The number is that of a uniform density, ``4/3 pi cutoff^3 n / V``; for an isolated frame V is the box around its atoms,
    2 angstrom wider, and the number is at most that of the other atoms; of a slab the space between its surfaces.

    Raises
    ------
    DataError
        If there are more, with the cutoff that would give as many as allowed.
    """
    counts = [_neighbors(frame, cutoff) for frame in frames]
    sizes = [len(frame) for frame in frames]
    mean = float(np.average(counts, weights=sizes))
    if mean > limit:
        largest = cutoff * (limit / mean) ** (1.0 / 3.0)
        usual = cutoff * (_USUAL_NEIGHBORS / mean) ** (1.0 / 3.0)
        raise DataError(
            f"model.cutoff = {cutoff:g}: atoms of the training frames have about {mean:.0f} neighbors, must be at most {limit}: "
            f"set model.cutoff to {usual:.1f} A (about {_USUAL_NEIGHBORS} neighbors; interactions beyond are what "
            f"model.long_range is for), to {largest:.1f} A at most, or raise data.max_neighbors"
        )


def _neighbors(frame: Frame, cutoff: float) -> float:
    ball = 4.0 / 3.0 * math.pi * cutoff**3
    if frame.slab:
        normal = frame.cell[2] / np.linalg.norm(frame.cell[2])
        area = float(np.linalg.norm(np.cross(frame.cell[0], frame.cell[1])))
        return ball * len(frame) / (area * (float(np.ptp(frame.positions @ normal)) + 2.0))
    if frame.periodic:
        return ball * len(frame) / abs(float(np.linalg.det(frame.cell)))
    volume = float(np.prod(np.ptp(frame.positions, axis=0) + 2.0))
    return min(len(frame) - 1.0, ball * len(frame) / volume)
