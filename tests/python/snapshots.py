# SPDX-License-Identifier: MIT
"""Frames made in memory for the tests of the estimators of ``pair-les analyze``."""

from __future__ import annotations

import numpy as np
from pair_les.analysis.trajectory import Snapshot

STANDARD_ERRORS = 5.0
"""Random data may deviate by so many standard errors, one time in a million; the seeds are fixed."""


def snapshot(
    positions, charges=None, types=None, cell=None, molecules=None, periodic=(True, True, True)
) -> Snapshot:
    from MDAnalysis.lib.mdamath import triclinic_box

    cell = np.eye(3) * 20.0 if cell is None else np.asarray(cell, dtype=float)
    n = len(positions)
    return Snapshot(
        step=0,
        positions=np.asarray(positions, dtype=np.float32),
        dimensions=np.array(triclinic_box(*cell), dtype=np.float32),
        cell=cell,
        periodic=periodic,
        types=np.ones(n, dtype=np.int64) if types is None else np.asarray(types),
        charges=None if charges is None else np.asarray(charges, dtype=float),
        molecules=None if molecules is None else np.asarray(molecules),
    )


def filled(estimator, frames):
    for frame in frames:
        estimator.add(frame)
    return estimator
