# SPDX-License-Identifier: MIT
"""Small MACE backbones, a new one and one of a file, trained for an epoch: run by the tests where mace-torch is installed.

``python train_mace.py FOLDER`` trains on ``train.xyz`` and leaves ``new.pt``, ``frozen.pt`` (models with charges), ``short.model`` and
``short.pt`` (MACE's file without charges, and the same converted).
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

from fresh_mace import BASE  # noqa: E402
from mace import modules  # noqa: E402
from pair_les.convert import convert  # noqa: E402
from pair_les.export import export  # noqa: E402
from pair_les.training.config_file import parse_config  # noqa: E402
from pair_les.training.run import train  # noqa: E402
from tiny_frames import tiny_config  # noqa: E402

SMALL = {
    "hidden_irreps": "4x0e+4x1o",
    "max_ell": 2,
    "correlation": 2,
    "num_bessel": 4,
    "MLP_irreps": "4x0e",
    "radial_MLP": [8, 8],
}


def run(folder: Path, name: str, model: dict[str, Any], **training: Any) -> None:
    """Train and export."""
    values = tiny_config(folder, precision="float64", **training)
    values["model"] = {"hidden": [8], **model}
    values["output"] = str(folder / name)
    export(train(parse_config(values, name)), folder / f"{name}.pt", force=True, say=lambda line: None)


def main(folder: Path) -> None:
    run(folder, "new", {"backbone": "mace", "cutoff": 4.0, "options": SMALL}, epochs=2)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(2)
    numbers = {
        "num_elements": 3,
        "atomic_numbers": [8, 11, 17],
        "atomic_energies": np.array([-1.0, -2.0, -5.0]),
    }
    torch.save(modules.ScaleShiftMACE(**{**BASE, "r_max": 4.0, **numbers}), folder / "short.model")
    torch.set_default_dtype(torch.float32)
    convert(folder / "short.model", folder / "short.pt", trust_pickle=True, say=lambda line: None)
    short = {"backbone": "mace", "checkpoint": str(folder / "short.model"), "freeze": "all"}
    run(folder, "frozen", short, epochs=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
