# SPDX-License-Identifier: MIT
"""DeePMD-kit, trained for one step and compressed, for benchmarks/peers.py; runs in an environment with deepmd-kit[cpu]."""

from __future__ import annotations

import os
from pathlib import Path

from peer_deepmd_files import compress, train, write_data
from peer_timing import print_time

MODEL = {
    "descriptor": {
        "type": "se_e2_a",
        "rcut": 6.0,
        "rcut_smth": 0.5,
        "sel": [46, 92],
        "neuron": [25, 50, 100],
        "axis_neuron": 16,
        "precision": "float32",
    },
    "fitting_net": {"neuron": [240, 240, 240], "precision": "float32"},
}


def calculator(atoms):
    if not Path("deepmd_compressed.pb").exists():
        write_data(atoms)
        train("deepmd", MODEL, {"type": "ener"})
        compress("deepmd")
    from deepmd.calculator import DP

    return DP(model="deepmd_compressed.pb", type_dict={"O": 0, "H": 1})


os.environ.update(DP_INTRA_OP_PARALLELISM_THREADS="1", DP_INTER_OP_PARALLELISM_THREADS="1")
print_time(calculator)
