# SPDX-License-Identifier: MIT
"""Label frames with model.pt: the training and test data of ``pair-les example water``, in python/pair_les/examples/water.

Usage: python label_frames.py IN.xyz OUT.xyz      (positions with four digits are labeled as they are written)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import iread
from pair_les import LESCalculator


def frame_text(atoms: Atoms, calculator: LESCalculator) -> str:
    """One frame of an extxyz file, energy (eV) with five and forces (eV/A) with four digits."""
    atoms.wrap()
    atoms.positions = np.round(atoms.positions, 4)
    atoms.calc = calculator
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    cell = " ".join(f"{x:g}" for x in atoms.cell.array.ravel())
    columns = "species:S:1:pos:R:3:forces:R:3"
    lines = [str(len(atoms)), f'Lattice="{cell}" Properties={columns} energy={energy:.5f} pbc="T T T"']
    for symbol, position, force in zip(atoms.get_chemical_symbols(), atoms.positions, forces, strict=True):
        lines.append(" ".join([symbol, *(f"{x:.4f}" for x in (*position, *force))]))
    return "\n".join(lines) + "\n"


def main(source: str, target: str) -> None:
    calculator = LESCalculator(Path(__file__).with_name("model.pt"))
    Path(target).write_text("".join(frame_text(atoms, calculator) for atoms in iread(source, index=":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
