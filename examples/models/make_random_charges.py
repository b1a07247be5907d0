# SPDX-License-Identifier: MIT
"""Random charges: 64 ions of +1 e and 64 of -1 e in a box of 10 A, labeled by point-charge Coulomb and a soft repulsion.

Usage: ``python make_random_charges.py data``. Molecular dynamics at 2000 K in LAMMPS, a frame every 200 steps: 900 for training
(one in ten of them for validation), 100 for the test. The charges are in the frames (array ``charges``) for the test alone.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms

BOX = 10.0
N_PAIRS = 64
N_FRAMES = 1000
N_TEST = 100

EVERY = 200

INPUT = f"""
units metal
atom_style charge
region box block 0 {BOX} 0 {BOX} 0 {BOX}
create_box 2 box
create_atoms 1 random {N_PAIRS} 11 box overlap 1.2 maxtry 5000
create_atoms 2 random {N_PAIRS} 12 box overlap 1.2 maxtry 5000
mass * 30.0
set type 1 charge 1.0
set type 2 charge -1.0
pair_style lj/cut/coul/long 2.2449241 5.0
pair_coeff * * 0.2 2.0
pair_modify shift yes
kspace_style ewald 1e-7
minimize 0 0 100 1000
velocity all create 2000 5
fix 1 all nvt temp 2000 2000 0.1
timestep 0.001
run 5000
reset_timestep 0
thermo {EVERY}
thermo_style custom step pe
thermo_modify format float %.12g
dump 1 all custom {EVERY} ions.dump type x y z fx fy fz
dump_modify 1 format float %.12g
run {EVERY * (N_FRAMES - 1)}
"""


def energies(log: Path) -> list[float]:
    """Potential energies of the last run of a log, eV."""
    last = log.read_text().split("PotEng")[-1]
    rows = [line.split() for line in last.splitlines()[1:]]
    return [float(row[1]) for row in rows[:N_FRAMES]]


def main(target: Path) -> None:
    """Write ``train.xyz`` and ``test.xyz``."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "in.ions").write_text(INPUT)
    subprocess.run(["lmp", "-in", "in.ions", "-screen", "none"], cwd=target, check=True)
    frames = ase.io.read(target / "ions.dump", ":", format="lammps-dump-text")
    labeled = []
    for frame, energy in zip(frames, energies(target / "log.lammps"), strict=True):
        types = frame.arrays["type"] if "type" in frame.arrays else frame.numbers
        plain = Atoms(np.where(types == 1, "Na", "Cl"), frame.positions, cell=3 * [BOX], pbc=True)
        plain.info["energy"] = energy
        plain.arrays["forces"] = frame.get_forces()
        plain.arrays["charges"] = np.where(types == 1, 1.0, -1.0)
        labeled.append(plain)
    order = np.random.default_rng(0).permutation(N_FRAMES)
    ase.io.write(target / "train.xyz", [labeled[index] for index in order[N_TEST:]])
    ase.io.write(target / "test.xyz", [labeled[index] for index in order[:N_TEST]])
    print(f"{N_FRAMES - N_TEST} frames for training, {N_TEST} for the test, in {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
