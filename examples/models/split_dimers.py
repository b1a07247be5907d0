# SPDX-License-Identifier: MIT
"""Training, validation and test frames of the dimers: of ten separations the largest is the test, the one before it validates.

Usage: ``python split_dimers.py ../../../shared/data/dimers data [N_TEST]``. The frames stay periodic: the labels contain the
images, 30 A away (the net force between the two ions of charged-charged is 17 % smaller than between lone ions).
"""

from __future__ import annotations

import sys
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms

N_TEST = 1
"""Of ten separations, unless another number (0 for a network to be used) is given; with 1 the training frames end at 8.6 to 10.7 A, the test frames are at 10.9 to 12.2 A."""

IONS = {"C2H3O2": -1, "C3H10N3": 1}
"""Charge of acetate and of guanidinium-like ions by formula: the file of charged-polar gives acetate's to the other molecule."""


def charge_of(molecule: Atoms) -> int:
    """e."""
    return IONS.get(molecule.get_chemical_formula(), 0)


def labeled(frame: Atoms) -> Atoms:
    """The frame with the charges of its molecules, and nothing that training does not need."""
    plain = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    plain.info = {
        "energy": float(frame.get_potential_energy()),
        "total_charge": int(frame.info["chargeA"] + frame.info["chargeB"]),
        "distance": float(frame.info["distance"]),
    }
    plain.arrays["forces"] = frame.get_forces()
    first = np.arange(len(frame)) < frame.info["indexB"]  # the atoms of one molecule, then those of the other
    plain.arrays["fragment"] = np.where(first, 0, 1)
    plain.arrays["fragment_charge"] = np.where(first, charge_of(plain[first]), charge_of(plain[~first]))
    return plain


def main(source: Path, target: Path, n_test: int = N_TEST) -> None:
    """Write ``train.xyz``, ``valid.xyz``, ``test.xyz`` and one test file per kind of dimer."""
    target.mkdir(parents=True, exist_ok=True)
    train: list[Atoms] = []
    valid: list[Atoms] = []
    test: list[Atoms] = []
    for file in sorted(source.glob("*.extxyz")):
        frames = sorted(ase.io.read(file, ":"), key=lambda frame: frame.info["distance"])
        frames = [labeled(frame) for frame in frames]
        last = len(frames) - n_test
        train += frames[: last - 1]
        valid.append(frames[last - 1])
        test += frames[last:]
        if n_test > 0:
            ase.io.write(target / f"test-{file.stem}.xyz", frames[last:])
    ase.io.write(target / "train.xyz", train)
    ase.io.write(target / "valid.xyz", valid)
    if n_test > 0:
        ase.io.write(target / "test.xyz", test)
    print(
        f"{len(train)} frames for training, {len(valid)} for validation, {len(test)} for the test, in {target}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(int(number) for number in sys.argv[3:4]))
