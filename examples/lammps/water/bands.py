# SPDX-License-Identifier: MIT
"""Bands of the infrared spectrum of in.dielectric with errors from blocks, and the spectrum as a figure (spectrum.png).

Usage: python bands.py polarization.txt VOLUME      (A^3; pair-les analyze writes the spectrum itself)
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from pair_les.analysis.blocks import BLOCKS, standard_error
from pair_les.analysis.polarization import infrared_spectrum, read_polarization

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TIMESTEP, TEMPERATURE, EPS = 0.0005, 300.0, 1.78  # ps, K, electronic permittivity
BANDS = {"libration": (350.0, 950.0), "bending": (1500.0, 1850.0), "stretching": (2900.0, 3900.0)}  # 1/cm


def centers(numbers: NDArray[np.float64], absorption: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean wave number of each band, weighted by the absorption, 1/cm."""
    found = []
    for low, high in BANDS.values():
        inside = (numbers > low) & (numbers < high)
        found.append(np.average(numbers[inside], weights=absorption[inside]))
    return np.array(found)


def main(file: Path, volume: float) -> None:
    series = read_polarization(file, TIMESTEP)
    parts = [
        infrared_spectrum(current, series.interval, volume, TEMPERATURE, EPS, resolution=20.0)
        for current in np.array_split(series.current, BLOCKS)
    ]
    numbers = parts[0][0]
    spectra = np.array([absorption for _, absorption in parts])
    mean, error = spectra.mean(axis=0), standard_error(spectra)
    bands = np.array([centers(numbers, absorption) for absorption in spectra])
    for name, value, doubt in zip(BANDS, bands.mean(axis=0), standard_error(bands), strict=True):
        print(f"{name:11}{value:7.0f} +- {doubt:.0f} 1/cm")

    fig, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
    ax.plot(numbers, mean, lw=1)
    ax.fill_between(numbers, mean - error, mean + error, alpha=0.3)
    ax.set(xlabel="wave number (1/cm)", ylabel="n alpha (1/cm)", xlim=(0, 4500), ylim=(0, None))
    fig.savefig("spectrum.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
