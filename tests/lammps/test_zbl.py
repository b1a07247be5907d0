# SPDX-License-Identifier: MIT
"""The repulsion of nuclei that a network can have built in, against LAMMPS's own `pair_style zbl`."""

from __future__ import annotations

import math
import re

import harness
import pytest
import torch
from ase.data import atomic_numbers, covalent_radii
from pair_les.net.repulsion import repulsion_energy, repulsion_tables

SCRIPT = """
units metal
atom_style atomic
atom_modify map array
boundary f f f
region box block -20 20 -20 20 -20 20
create_box 2 box
create_atoms 1 single 0 0 0
create_atoms 2 single 0.5 0 0
mass * 1.0
pair_style zbl 18.0 19.0
pair_coeff 1 1 {0} {0}
pair_coeff 2 2 {1} {1}
thermo_style custom pe
thermo_modify format float %.12g
set atom 2 x {2}
run 0
"""


@pytest.mark.parametrize("r", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("pair", [("O", "O"), ("O", "H"), ("Au", "O"), ("Au", "Au")])
def test_against_pair_style_zbl(tmp_path, pair, r):
    """LAMMPS's is not switched this far inside its cutoff; ours is divided by what it is switched with."""
    z = [atomic_numbers[name] for name in pair]
    log = harness.run_lammps(SCRIPT.format(*z, r), tmp_path).log
    expected = float(re.findall(r"PotEng\s+([-\d.e+]+)", log)[-1])
    # it is shifted to end at its outer cutoff
    slowest = 0.20162 * (z[0] ** 0.23 + z[1] ** 0.23) / 0.46850
    shift = 14.399645 * z[0] * z[1] / 18.0 * 0.02817 * math.exp(-18.0 * slowest)
    assert shift < 1e-6 * expected

    tables = [torch.tensor(table) for table in repulsion_tables(list(dict.fromkeys(pair))).values()]
    species = torch.tensor([0, len(set(pair)) - 1])
    vectors = torch.tensor([[r, 0.0, 0.0], [-r, 0.0, 0.0]], dtype=torch.float64)
    ours = float(repulsion_energy(species, torch.tensor([[0, 1], [1, 0]]), vectors, 2, *tables).sum())
    x = r / (covalent_radii[z[0]] + covalent_radii[z[1]])
    switch = 1.0 - 10.0 * x**3 + 15.0 * x**4 - 6.0 * x**5
    assert ours / switch == pytest.approx(expected, rel=1e-6)
