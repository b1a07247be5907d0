# SPDX-License-Identifier: MIT
"""DeePMD-kit, trained for one step and compressed, for benchmarks/peers.py; runs in an environment with deepmd-kit[cpu]."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from peer_timing import print_time

FRAMES = 2
INPUT = {
    "model": {
        "type_map": ["O", "H"],
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
    },
    "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-4, "decay_steps": 1},
    "loss": {"type": "ener"},
    "training": {"training_data": {"systems": ["data"], "batch_size": 1}, "numb_steps": 1},
}


def write_data(atoms) -> None:
    """Frames without meaning: what a step costs does not depend on what was learned."""
    folder = Path("data") / "set.000"
    folder.mkdir(parents=True, exist_ok=True)
    (Path("data") / "type_map.raw").write_text("O\nH\n")
    np.savetxt(Path("data") / "type.raw", np.where(atoms.numbers == 8, 0, 1), fmt="%d")
    n = len(atoms)
    arrays = {
        "coord": np.tile(atoms.get_positions(wrap=True).reshape(1, 3 * n), (FRAMES, 1)),
        "box": np.tile(np.asarray(atoms.cell).reshape(1, 9), (FRAMES, 1)),
        "energy": np.zeros(FRAMES),
        "force": np.random.default_rng(0).standard_normal((FRAMES, 3 * n)),
    }
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def calculator(atoms):
    if not Path("compressed.pb").exists():
        write_data(atoms)
        Path("input.json").write_text(json.dumps(INPUT))
        dp = [str(Path(sys.executable).parent / "dp"), "--tf"]
        for arguments in (
            ["train", "input.json"],
            ["freeze", "-o", "frozen.pb"],
            ["compress", "-i", "frozen.pb", "-o", "compressed.pb", "-t", "input.json"],
        ):
            subprocess.run([*dp, *arguments], check=True, stdout=sys.stderr)
    from deepmd.calculator import DP

    return DP(model="compressed.pb", type_dict={"O": 0, "H": 1})


os.environ.update(DP_INTRA_OP_PARALLELISM_THREADS="1", DP_INTER_OP_PARALLELISM_THREADS="1")
print_time(calculator)
