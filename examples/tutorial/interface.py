# SPDX-License-Identifier: MIT
"""Charge between the walls of in.interface, added up from the left: does the melt screen the wall? (interface.png)"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from pair_les.analysis.blocks import BlockAverage
from pair_les.analysis.trajectory import Trajectory

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FORMAL = {1: 1.0, 2: -1.0}  # e, by type
EDGE = 1.0  # A, make_interface.py
SMOOTH = 2.5  # A, about one layer of ions


def enclosed(dump: Path, bins: np.ndarray) -> BlockAverage:
    """Charge, e, of all ions left of each of the `bins` (A)."""
    trajectory = Trajectory([dump])
    found = BlockAverage(len(trajectory))
    charges = None
    for snapshot in trajectory:
        if charges is None:
            charges = np.array([FORMAL[kind] for kind in snapshot.types])
        order = np.argsort(snapshot.positions[:, 2])
        total = np.concatenate([[0.0], np.cumsum(charges[order])])
        found.add(total[np.searchsorted(snapshot.positions[order, 2], bins)])
    return found


def main() -> None:
    z = np.arange(0.0, 42.0, 0.1)
    window = np.ones(round(SMOOTH / 0.1)) * 0.1 / SMOOTH
    fig, ax = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    for model, name in (("latent_charges", "latent charges"), ("short_range", "short range only")):
        found = enclosed(Path(f"{model}.interface.dump"), z)
        smooth = np.array([np.convolve(block, window, mode="same") for block in found.blocks()])
        mean, error = smooth.mean(axis=0), smooth.std(axis=0, ddof=1) / np.sqrt(len(smooth))
        ax.plot(z - EDGE, mean, label=name)
        ax.fill_between(z - EDGE, mean - error, mean + error, alpha=0.3)
        middle = (z > 16.0) & (z < 26.0)
        values = smooth[:, middle].mean(axis=1)
        print(
            f"{name:17} charge left of the middle, of which the wall has +6 e: {values.mean():6.2f} "
            f"+- {values.std(ddof=1) / np.sqrt(len(values)):.2f} e"
        )
    ax.axhline(0.0, color="black", lw=0.8)
    ax.axvspan(0.0, 4.0, color="0.9")
    ax.axvspan(35.9, 39.9, color="0.9")
    ax.set(xlabel="z (A)", ylabel="charge left of z (e)", xlim=(0.0, 39.9))
    ax.legend()
    fig.savefig("interface.png", dpi=90)


if __name__ == "__main__":
    main()
