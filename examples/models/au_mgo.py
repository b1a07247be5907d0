# SPDX-License-Identifier: MIT
"""Au2 on MgO(001), pure and doped with Al on the far side: does the pair of gold atoms stand or lie?

Usage: python au_mgo.py BENCHMARK_4G_FOLDER [SEEDS]

Trains au_mgo.yaml with charges and without on the 18 frames of AlAuMgO_4G.extxyz, and compares the energies of the four geometries that
DFT has optimized: 1 (upright, non-wetting) and 3 (flat, wetting). None of the four is trained on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.io import read, write
from pair_les import LESCalculator
from pair_les.export import export

VARIANTS = {"with charges": [], "without": ["model.long_range=null", "training.initial_charges=null"]}


def difference(folder: Path, substrate: str, model: Path | None) -> float:
    """Energy of the wetting geometry minus that of the non-wetting one, eV; DFT without a model."""
    energies = []
    for geometry in (3, 1):
        atoms = read(folder / f"{geometry}-{substrate}.xyz")
        if model is not None:
            atoms.calc = LESCalculator(model)
        energies.append(atoms.get_potential_energy())
    return energies[0] - energies[1]


def main(folder: Path, seeds: int) -> dict[str, list[list[float]]]:
    """Differences (undoped, doped), eV, of DFT and of every seed of each variant."""
    frames = read(folder / "AlAuMgO_4G.extxyz", ":")
    Path("data/au_mgo").mkdir(parents=True, exist_ok=True)
    write("data/au_mgo/valid.xyz", frames)  # there are 18 frames: all for training, and the last epoch counts
    print("wetting minus non-wetting, eV:   undoped    doped")
    print(f"{'DFT':30}{difference(folder, 'undoped', None):10.3f}{difference(folder, 'doped', None):10.3f}")
    differences = {"DFT": [[difference(folder, substrate, None) for substrate in ("undoped", "doped")]]}
    for name, settings in VARIANTS.items():
        found = []
        for seed in range(1, seeds + 1):
            run = Path("runs/au_mgo") / f"{name.replace(' ', '_')}-{seed}"
            words = [*settings, f"training.seed={seed}", f"output={run}"]
            command = ["pair-les", "train", str(Path(__file__).with_name("au_mgo.yaml"))]
            subprocess.run([*command, *(part for word in words for part in ("--set", word))], check=True)
            model = run.with_suffix(".pt")
            export(run, model, precision="float64")
            found.append([difference(folder, substrate, model) for substrate in ("undoped", "doped")])
            print(f"{name + f', seed {seed}':30}{found[-1][0]:10.3f}{found[-1][1]:10.3f}", flush=True)
        mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
        print(
            f"{name:30}{mean[0]:10.3f}{mean[1]:10.3f}   spread {spread[0]:.3f}, {spread[1]:.3f}", flush=True
        )
        differences[name] = found
    return differences


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
