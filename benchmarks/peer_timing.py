# SPDX-License-Identifier: MIT
"""Time of an ASE calculator for the peers; needs nothing but ASE and numpy."""

from __future__ import annotations

import sys
import time

import numpy as np
from ase.io import read

WARM = 3
DISPLACEMENT = 1e-3  # angstrom: every step is a new one
BUDGET = 40.0  # s, warm-up included: after them no more than LEAST steps are timed
LEAST = 3


def print_time(make_calculator, clock=time.perf_counter) -> None:
    """Print the median us/atom/step of forces by `clock`, for the file and the most steps on the command line."""
    atoms = read(sys.argv[1])
    atoms.calc = make_calculator(atoms)
    rng = np.random.default_rng(0)
    times: list[float] = []
    began = time.perf_counter()
    for step in range(WARM + int(sys.argv[2])):
        atoms.positions += DISPLACEMENT * rng.standard_normal(atoms.positions.shape)
        start = clock()
        atoms.get_forces()
        if step >= WARM:
            times.append(clock() - start)
        if len(times) >= LEAST and time.perf_counter() - began > BUDGET:
            break
    print(1e6 * float(np.median(times)) / len(atoms))
