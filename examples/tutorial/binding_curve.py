# SPDX-License-Identifier: MIT
"""Two ions in vacuum, pulled apart to 15 A: the truth, the model with latent charges, the model without (binding_curve.png)."""

from __future__ import annotations

import matplotlib
import numpy as np
from ase import Atoms
from pair_les import LESCalculator
from pairs import energy_of_pair

matplotlib.use("Agg")
import matplotlib.pyplot as plt

MODELS = {"latent_charges": "latent charges", "short_range": "short range only"}
SEPARATIONS = np.concatenate([np.arange(2.0, 7.0, 0.1), np.arange(7.0, 15.01, 0.25)])
TRAINED = 7.0  # A, largest separation in pairs.xyz
AT = 15.0  # A, where the energies are compared


def curve(model: str, symbols: tuple[str, str]) -> np.ndarray:
    """Energy of the pair, eV, at each of `SEPARATIONS`."""
    calculator = LESCalculator(f"{model}.pt")
    energies = []
    for r in SEPARATIONS:
        atoms = Atoms(symbols, [[0.0, 0.0, 0.0], [0.0, 0.0, r]])
        calculator.calculate(atoms)
        energies.append(calculator.results["energy"])
    return np.array(energies)


def main() -> None:
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for ax, symbols in zip(axes, (("Na", "Cl"), ("Na", "Na")), strict=True):
        true, _ = energy_of_pair(symbols, SEPARATIONS)
        ax.plot(SEPARATIONS, true, color="black", lw=1, label="truth")
        for model, name in MODELS.items():
            energy = curve(model, symbols)
            ax.plot(SEPARATIONS, energy, "--", label=name)
            beyond = SEPARATIONS > TRAINED
            worst = np.abs(energy - true)[beyond].max()
            print(
                f"{''.join(symbols):5} {name:17} at {AT:g} A: {energy[-1]:7.3f} eV, truth {true[-1]:7.3f} eV; "
                f"largest error beyond {TRAINED:g} A {1000.0 * worst:7.1f} meV"
            )
        ax.axvspan(TRAINED, SEPARATIONS[-1], color="0.93", zorder=0, label="not trained on")
        ax.set(title="-".join(symbols), xlabel="separation (A)", ylabel="energy (eV)", xlim=(2.0, 15.0))
        ax.set_ylim(true[-1] - 5.0, true[-1] + 5.0)
    axes[0].legend()
    fig.savefig("binding_curve.png", dpi=90)


if __name__ == "__main__":
    main()
