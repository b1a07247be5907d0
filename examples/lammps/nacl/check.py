# SPDX-License-Identifier: MIT
"""What the demo has to show: charges, forces and energy of LAMMPS, each against its bar; figures of all three.

Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from ase import Atoms
from ase.io import read
from lammps.formats import LogFile
from numpy.typing import NDArray
from pair_les import LESCalculator

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TRUE_CHARGES = {"Na": 1.0, "Cl": -1.0}  # in.generate
TIMESTEP = 0.0005  # ps, in.nacl


@dataclass(frozen=True)
class Check:
    """A measured number and the bar that it has to stay below."""

    name: str
    value: float
    bar: float
    unit: str

    @property
    def passed(self) -> bool:
        """Also False for NaN."""
        return self.value < self.bar

    def __str__(self) -> str:
        return f"{'ok' if self.passed else 'FAILED':8}{self.name:52}{self.value:12.3g}  (bar {self.bar:g} {self.unit})"


def learned_charges(calculator: LESCalculator, frames: list[Atoms]) -> tuple[NDArray, NDArray]:
    """Learned and true charges, e, of all atoms; the common sign, which energies cannot know, is that of the true ones."""
    learned, true = [], []
    for frame in frames:
        calculator.calculate(frame)
        learned.append(calculator.results["charges"])
        true.append([TRUE_CHARGES[symbol] for symbol in frame.get_chemical_symbols()])
    q, q_true = np.concatenate(learned), np.concatenate(true)
    return q * np.sign(q @ q_true), q_true


def compare_forces(calculator: LESCalculator, frames: list[Atoms]) -> tuple[NDArray, NDArray, NDArray]:
    """Forces of LAMMPS and of the ASE calculator, eV/A, [n, 3] each, and energies of the calculator, eV."""
    in_lammps, in_ase, energies = [], [], []
    for frame in frames:
        calculator.calculate(frame)
        in_lammps.append(frame.get_forces())
        in_ase.append(calculator.results["forces"])
        energies.append(calculator.results["energy"])
    return np.concatenate(in_lammps), np.concatenate(in_ase), np.array(energies)


def draw(
    folder: Path, q: NDArray, q_true: NDArray, forces: tuple[NDArray, NDArray], time: NDArray, energy: NDArray
) -> None:
    """charges.png, force_parity.png and energy.png."""
    # one panel per element, each around its true charge: the spread is far smaller than the distance between them
    fig, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
    for ax, (symbol, value) in zip(axes, TRUE_CHARGES.items(), strict=True):
        mine = q[q_true == value]
        ax.hist(mine, bins=30, label="learned")
        ax.axvline(value, color="black", ls="--", lw=1, label="true")
        width = max(0.03, 1.2 * np.abs(mine - value).max())
        ax.set(title=symbol, xlabel="charge (e)", ylabel="ions", xlim=(value - width, value + width))
        ax.legend()
    fig.savefig(folder / "charges.png", dpi=150)

    fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
    ax.plot(forces[1].ravel(), forces[0].ravel(), ".", ms=3)
    ax.axline((0, 0), slope=1, color="black", lw=0.8)
    ax.set(
        xlabel="force, ASE with direct sum (eV/A)", ylabel="force, LAMMPS with pppm (eV/A)", aspect="equal"
    )
    fig.savefig(folder / "force_parity.png", dpi=150)

    fig, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
    ax.plot(time, 1e3 * (energy - energy[0]))
    ax.set(xlabel="time (ps)", ylabel="total energy - start (meV per atom)")
    fig.savefig(folder / "energy.png", dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of run.py")
    folder = parser.parse_args().folder

    calculator = LESCalculator(folder / "model.pt")
    q, q_true = learned_charges(calculator, read(folder / "data/test.xyz", index=":"))
    frames = read(folder / "nve.dump", index=":", format="lammps-dump-text")
    in_lammps, in_ase, energies = compare_forces(calculator, frames)
    n_atoms = len(frames[0])

    thermo = {name: np.array(values) for name, values in LogFile(str(folder / "log.nacl")).runs[-1].items()}
    time, energy = thermo["Step"] * TIMESTEP, thermo["TotEng"] / n_atoms
    every = (len(time) - 1) // (len(frames) - 1)
    drift = np.polyfit(time, 1e3 * energy, 1)[0]
    errors = json.loads((folder / "errors.json").read_text(encoding="utf-8"))

    for sign, symbol in ((1.0, "Na"), (-1.0, "Cl")):
        mine = q[q_true == sign]
        print(
            f"        charge of {symbol}: {mine.mean():+.4f} e, standard deviation {mine.std():.4f} e, true {sign:+.0f} e"
        )
    checks = [
        Check("learned against true charges, MAE", float(np.abs(q - q_true).mean()), 0.03, "e"),
        Check("forces of the model on test frames, RMSE", errors["forces_rmse"], 20.0, "meV/A"),
        Check(
            "forces, LAMMPS against ASE, RMS",
            float(np.sqrt(np.mean((in_lammps - in_ase) ** 2))),
            2e-4,
            "eV/A",
        ),
        Check(
            "energy, LAMMPS against ASE, largest",
            float(np.abs(thermo["PotEng"][::every] - energies).max() / n_atoms),
            2e-5,
            "eV/atom",
        ),
        Check(f"drift of the energy over {time[-1]:g} ps, NVE", float(abs(drift)), 0.01, "meV/atom/ps"),
    ]
    for check in checks:
        print(check)
    draw(folder, q, q_true, (in_lammps, in_ase), time, energy)
    names = [
        "charges.png",
        "force_parity.png",
        "energy.png",
        "training/learning_curve.png",
        "training/parity.png",
    ]
    print("        figures: " + ", ".join(str(folder / name) for name in names))
    sys.exit(0 if all(check.passed for check in checks) else 1)


if __name__ == "__main__":
    main()
