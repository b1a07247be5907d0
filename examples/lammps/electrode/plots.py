# SPDX-License-Identifier: MIT
"""Figures of a folder of run.py: charge against time, layers of ions, potential across the cell.

Usage: python plots.py FOLDER
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TIMESTEP = 0.002  # ps, in.nacl
AREA = 12.86**2  # angstrom^2, in.generate
PER_AREA = 1602.176634  # microcoulomb per cm^2 in one e / angstrom^2
PROFILES = {0.0: "capacitance", 0.5: "profile.0.5", 1.0: "profile.1.0", 2.0: "profile.2.0"}


def read_charges(file: Path) -> tuple[NDArray, NDArray, NDArray]:
    """Time (ps), charge (e) and potential (V) of the first electrode."""
    lines = [
        line.split() for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    steps = np.array([int(words[0]) for words in lines[::3]])
    rows = np.array([[float(word) for word in words[1:3]] for words in lines[1::3]])
    return TIMESTEP * steps, rows[:, 0], rows[:, 1]


def read_table(file: Path) -> dict[str, NDArray]:
    """Columns of a table of `pair-les analyze`."""
    with open(file, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def draw_charging(folder: Path) -> None:
    """charging.png: the charge answers each step of the voltage."""
    time, charge, potential = read_charges(folder / "charging.txt")
    density = PER_AREA * charge / AREA
    window = max(1, len(time) // 200)
    smooth = np.convolve(density, np.ones(window) / window, mode="same")
    inside = slice(window, len(time) - window)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(6.4, 4.6), sharex=True, height_ratios=[3, 1], layout="constrained"
    )
    above.plot(time, density, lw=0.4, color="C0", alpha=0.35, label="every 10 fs")
    above.plot(
        time[inside],
        smooth[inside],
        lw=1.5,
        color="C0",
        label=f"mean over {window * (time[1] - time[0]):.2g} ps",
    )
    above.set(ylabel="charge of the left wall (µC/cm$^2$)")
    above.legend(frameon=False)
    below.step(time, potential, where="post", color="C3")
    below.set(xlabel="time (ps)", ylabel="voltage (V)", ylim=(-0.2, 2.3))
    figure.savefig(folder / "charging.png", dpi=150)


def draw_layers(folder: Path) -> None:
    """layers.png: number densities of the ions at the lowest and the highest voltage."""
    figure, axes = plt.subplots(2, 1, figsize=(6.4, 4.8), sharex=True, sharey=True, layout="constrained")
    for ax, volt in zip(axes, (min(PROFILES), max(PROFILES)), strict=True):
        table = read_table(folder / PROFILES[volt] / "density_profile_z.csv")
        z, walls = table["z (A)"], _walls(table)
        for number, name in enumerate(("Na", "Cl")):
            density = table[f"{name} (1/A^3)"]
            error = table.get(f"{name} error", np.zeros_like(density))
            ax.plot(z - walls[0], density, color=f"C{number}", label=name)
            ax.fill_between(
                z - walls[0], density - error, density + error, color=f"C{number}", alpha=0.25, lw=0
            )
        for place, sign in zip(walls, ("+", "−"), strict=True):
            ax.axvline(place - walls[0], color="black", lw=2)
            if volt:
                ax.annotate(sign, (place - walls[0], 0.97), xycoords=("data", "axes fraction"), xytext=(6, 0),
                            textcoords="offset points", ha="left", va="top", fontsize=14)  # fmt: skip
        ax.set(ylabel="ions (1/Å$^3$)", title=f"{volt:g} V")
    axes[0].legend(frameon=False, loc="upper center", ncol=2)
    axes[0].set_ylim(0.0)
    axes[1].set(xlabel="distance from the left wall (Å)")
    figure.savefig(folder / "layers.png", dpi=150)


def draw_potential(folder: Path) -> None:
    """potential.png: Poisson's equation of all charges, electrodes included, as Gaussians."""
    figure, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for number, (volt, name) in enumerate(PROFILES.items()):
        table = read_table(folder / name / "charge_profile_z.csv")
        z, walls = table["z (A)"], _walls(read_table(folder / name / "density_profile_z.csv"))
        last = np.abs(z - walls[1]).argmin()
        potential = table["potential (V)"]
        error = table.get("potential error", np.zeros_like(potential))
        potential = potential - potential[last]  # of the right wall, 0 V
        ax.plot(z - walls[0], potential, color=f"C{number}", label=f"{volt:g} V")
        ax.fill_between(
            z - walls[0], potential - error, potential + error, color=f"C{number}", alpha=0.25, lw=0
        )
        ax.plot([0.0, walls[1] - walls[0]], [volt, 0.0], "o", color=f"C{number}", ms=5)
    ax.set(xlabel="distance from the left wall (Å)", ylabel="potential (V)")
    ax.legend(frameon=False, title="voltage, dots: as given")
    figure.savefig(folder / "potential.png", dpi=150)


def _walls(table: dict[str, NDArray]) -> tuple[float, float]:
    """Places of the walls along z, angstrom."""
    z = table["z (A)"]
    left, right = (z[table[f"{name} (1/A^3)"].argmax()] for name in ("left", "right"))
    return float(left), float(right)


def main(folder: Path) -> None:
    draw_charging(folder)
    draw_layers(folder)
    draw_potential(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
