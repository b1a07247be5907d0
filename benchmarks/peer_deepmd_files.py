# SPDX-License-Identifier: MIT
"""Data, training and compression for the two peers of DeePMD-kit, by the ``dp`` beside the interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

FRAMES = 2
SPECIES = ["O", "H"]


def write_data(atoms, **labels: np.ndarray) -> None:
    """Frames without meaning in ``data``: what a step costs does not depend on what was learned.

    `labels` are arrays of one frame, more than energy and forces, by the names of DeePMD-kit's files.
    """
    folder = Path("data") / "set.000"
    folder.mkdir(parents=True, exist_ok=True)
    (Path("data") / "type_map.raw").write_text("\n".join(SPECIES) + "\n")
    np.savetxt(Path("data") / "type.raw", [SPECIES.index(symbol) for symbol in atoms.symbols], fmt="%d")
    n = len(atoms)
    arrays = {
        "coord": np.tile(atoms.get_positions(wrap=True).reshape(1, 3 * n), (FRAMES, 1)),
        "box": np.tile(np.asarray(atoms.cell).reshape(1, 9), (FRAMES, 1)),
        "energy": np.zeros(FRAMES),
        "force": np.random.default_rng(0).standard_normal((FRAMES, 3 * n)),
        **{name: np.tile(label.reshape(1, -1), (FRAMES, 1)) for name, label in labels.items()},
    }
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def dp(*arguments: str) -> None:
    """A command of DeePMD-kit with TensorFlow; its output goes to stderr."""
    program = Path(sys.executable).parent / "dp"
    subprocess.run([str(program), "--tf", *arguments], check=True, stdout=sys.stderr)


def train(name: str, model: dict, loss: dict, steps: int = 1, rate: float = 1e-3) -> None:
    """From ``data`` to the frozen ``NAME.pb``; the learning rate falls to a tenth."""
    text = {
        "model": {"type_map": SPECIES, **model},
        "learning_rate": {
            "type": "exp",
            "start_lr": rate,
            "stop_lr": 0.1 * rate,
            "decay_steps": max(1, steps // 4),
        },
        "loss": loss,
        "training": {
            "training_data": {"systems": ["data"], "batch_size": 1},
            "numb_steps": steps,
            "seed": 1,
        },
    }
    Path(f"{name}.json").write_text(json.dumps(text))
    dp("train", f"{name}.json")
    dp("freeze", "-o", f"{name}.pb")


def compress(name: str) -> None:
    """``NAME.pb`` to ``NAME_compressed.pb``."""
    dp("compress", "-i", f"{name}.pb", "-o", f"{name}_compressed.pb", "-t", f"{name}.json")
