# SPDX-License-Identifier: MIT
"""Small SevenNet checkpoints of random weights, converted, and SevenNet's own answers: run by the tests where sevenn is installed.

``python fresh_sevenn.py FOLDER``: for each NAME writes ``NAME.pth``, ``NAME.pt``, ``NAME.log`` and ``NAME.npz`` for ``frames.xyz``.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from ase.io import read

warnings.simplefilter("ignore")

import sevenn  # noqa: E402
import sevenn._const  # noqa: E402
import sevenn._keys as key  # noqa: E402
from pair_les.convert import convert  # noqa: E402
from sevenn.calculator import SevenNetCalculator  # noqa: E402
from sevenn.model_build import build_E3_equivariant_model  # noqa: E402

MODELS = {
    "nequip": {key.SELF_CONNECTION_TYPE: "nequip", key.NUM_CONVOLUTION: 3},
    "linear": {
        key.SELF_CONNECTION_TYPE: "linear",
        key.NUM_CONVOLUTION: 2,
        key.IS_PARITY: False,
        key.READOUT_AS_FCN: True,
        key.READOUT_FCN_HIDDEN_NEURONS: [6],
        key.READOUT_FCN_ACTIVATION: "relu",
    },
}


def fresh(options: dict[str, object]) -> dict[str, object]:
    """A checkpoint of random weights for H, O and Na."""
    torch.manual_seed(1)
    config = {
        key.CUTOFF: 3.5,
        key.NODE_FEATURE_MULTIPLICITY: 4,
        key.LMAX: 1,
        key.CHEMICAL_SPECIES: ["H", "Na", "O"],
        key.NUM_SPECIES: 3,
        key.TYPE_MAP: {1: 0, 11: 1, 8: 2},
        key.CONV_DENOMINATOR: 3.0,
        key.SHIFT: [-13.5, -7.25, -2043.0],
        key.SCALE: [1.5, 1.0, 2.0],
        **options,
    }
    for name, value in sevenn._const.model_defaults(config).items():
        config.setdefault(name, value)
    config["version"] = sevenn.__version__
    model = build_E3_equivariant_model(config)
    return {"model_state_dict": model.state_dict(), "config": config, "epoch": 0}


def main(folder: Path) -> None:
    frames = [frame for frame in read(folder / "frames.xyz", ":") if len(frame) > 1]
    for name, options in MODELS.items():
        torch.save(fresh(options), folder / f"{name}.pth")
        said: list[str] = []
        convert(folder / f"{name}.pth", folder / f"{name}.pt", elements=["O", "Na", "H"], say=said.append)
        (folder / f"{name}.log").write_text("\n".join(said) + "\n")
        calculator = SevenNetCalculator(str(folder / f"{name}.pth"), device="cpu")
        energies, forces, stresses = [], [], []
        for frame in frames:
            frame.calc = calculator
            energies.append(frame.get_potential_energy())
            forces.append(frame.get_forces())
            stresses.append(frame.get_stress(voigt=False) if frame.pbc.all() else np.full((3, 3), np.nan))
        np.savez(folder / f"{name}.npz", energy=energies, forces=np.concatenate(forces), stress=stresses)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
