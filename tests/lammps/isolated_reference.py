# SPDX-License-Identifier: MIT
"""What LAMMPS must compute for an isolated system, by the Python evaluation of the model file."""

from __future__ import annotations

import numpy as np
from pair_les import load_model
from pair_les.evaluation import evaluate


def expected(path, system):
    module, metadata = load_model(path)
    return evaluate(
        module,
        metadata,
        metadata_species(metadata, system),
        system.positions,
        np.zeros((3, 3)),
        [False] * 3,
        file=path,
    )


def metadata_species(metadata, system):
    return np.array([metadata.species.index(symbol) for symbol in system.symbols])
