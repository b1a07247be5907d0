# SPDX-License-Identifier: MIT
"""NEP4 with random parameters, for benchmarks/peers.py; runs in an environment with calorine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from calorine.calculators import CPUNEP
from peer_timing import print_time

RADIAL, ANGULAR, BASIS, NEURONS, L_MAX, SPECIES = 4, 4, 8, 30, 4, 2


def calculator(atoms):
    """The text format of https://gpumd.org/potentials/nep.html."""
    descriptors = (RADIAL + 1) + (ANGULAR + 1) * (L_MAX + 1)
    weights = SPECIES * (descriptors + 2) * NEURONS + 1
    expansion = SPECIES**2 * ((RADIAL + 1) * (BASIS + 1) + (ANGULAR + 1) * (BASIS + 1))
    header = [
        "nep4 2 O H",
        "cutoff 6 4 200 100",  # with the most neighbors within each
        f"n_max {RADIAL} {ANGULAR}",
        f"basis_size {BASIS} {BASIS}",
        f"l_max {L_MAX} 2 0",
        f"ANN {NEURONS} 0",
    ]
    numbers = np.concatenate(
        [0.1 * np.random.default_rng(0).standard_normal(weights + expansion), np.ones(descriptors)]
    )
    file = Path("nep.txt")  # read again whenever the atoms change
    file.write_text("\n".join(header + [f"{number:.7e}" for number in numbers]) + "\n")
    made = CPUNEP(str(file))
    made.atoms = atoms
    return made


print_time(calculator)
