# SPDX-License-Identifier: MIT
"""Time of an ASE calculator for the peers; needs nothing but ASE and numpy."""

from __future__ import annotations

import sys
import time

import numpy as np
from ase.io import read

WARM = 3
DISPLACEMENT = 1e-3  # angstrom: every step is a new one


def print_time(make_calculator) -> None:
    """Print the median us/atom/step of forces for the file and number of steps on the command line."""
    atoms = read(sys.argv[1])
    atoms.calc = make_calculator(atoms)
    rng = np.random.default_rng(0)
    times = []
    for step in range(WARM + int(sys.argv[2])):
        atoms.positions += DISPLACEMENT * rng.standard_normal(atoms.positions.shape)
        start = time.perf_counter()
        atoms.get_forces()
        if step >= WARM:
            times.append(time.perf_counter() - start)
    print(1e6 * float(np.median(times)) / len(atoms))
