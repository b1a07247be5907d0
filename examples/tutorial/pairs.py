# SPDX-License-Identifier: MIT
"""Isolated pairs of ions, labeled like the melt of `../lammps/nacl/in.generate`: `pairs.xyz` (2 to 7 A) for training.

`energy_of_pair` is also the truth that `binding_curve.py` compares with, far beyond the separations trained on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from numpy.typing import NDArray

COULOMB = 14.399645  # eV A / e^2, that of LAMMPS units metal
CHARGES = {"Na": 1.0, "Cl": -1.0}
CUTOFF = 5.5  # A, where in.generate ends the part that is not Coulomb's
# Fumi and Tosi, A (eV), rho (A), sigma (A), C (eV A^6), D (eV A^8) in the signs of LAMMPS pair_style born
PARAMETERS = {
    ("Na", "Na"): (0.2637, 0.317, 2.340, 1.048553, -0.499369),
    ("Cl", "Na"): (0.2110, 0.317, 2.755, 6.990542, -8.675802),
    ("Cl", "Cl"): (0.1582, 0.317, 3.170, 72.402173, -145.428478),
}


def energy_of_pair(symbols: Sequence[str], r: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Energy, eV, and its derivative, eV/A, of two ions at the distances ``r``, A."""
    a, rho, sigma, c, d = PARAMETERS[tuple(sorted(symbols))]
    repulsion = a * np.exp((sigma - r) / rho)
    inside = r < CUTOFF
    energy = np.where(inside, repulsion - c / r**6 + d / r**8, 0.0)
    slope = np.where(inside, -repulsion / rho + 6.0 * c / r**7 - 8.0 * d / r**9, 0.0)
    coulomb = COULOMB * CHARGES[symbols[0]] * CHARGES[symbols[1]] / r
    return energy + coulomb, slope - coulomb / r


def main() -> None:
    rng = np.random.default_rng(1)
    frames = []
    for symbols in PARAMETERS:
        for r in np.linspace(2.0 if symbols == ("Cl", "Na") else 2.6, 7.0, 60):
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            atoms = Atoms(symbols, [np.zeros(3), r * direction])
            energy, slope = energy_of_pair(symbols, np.array(r))
            forces = np.outer([1.0, -1.0], float(slope) * direction)
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=forces)
            frames.append(atoms)
    write("pairs.xyz", frames, format="extxyz")
    print(f"pairs.xyz: {len(frames)} isolated pairs")


if __name__ == "__main__":
    main()
