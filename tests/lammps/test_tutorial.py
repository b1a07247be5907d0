# SPDX-License-Identifier: MIT
"""The truth that the tutorial compares with is what LAMMPS computes: pairs of ions as in `examples/lammps/nacl/in.generate`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import harness
import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DISTANCES = (2.2, 3.0, 5.4, 5.6, 15.0)


@pytest.fixture(scope="module")
def pairs():
    sys.path.insert(0, str(EXAMPLES / "tutorial"))
    try:
        import pairs as module
    finally:
        sys.path.pop(0)
    return module


@pytest.mark.parametrize("symbols", [("Na", "Cl"), ("Na", "Na"), ("Cl", "Cl")])
def test_energy_of_a_pair_of_ions(tmp_path, pairs, symbols):
    """Energies and forces at distances within and beyond the cutoff of the part that is not Coulomb's."""
    generate = (EXAMPLES / "lammps/nacl/in.generate").read_text()
    coefficients = re.findall(r"^pair_coeff +(\d \d) +(.*)$", generate, re.MULTILINE)
    kinds = [["Na", "Cl"].index(symbol) + 1 for symbol in symbols]
    setup = [
        "units metal",
        "atom_style charge",
        "atom_modify map array",
        "boundary f f f",
        "region box block -40 40 -40 40 -40 40",
        "create_box 2 box",
        f"create_atoms {kinds[0]} single 0 0 0",
        f"create_atoms {kinds[1]} single {DISTANCES[0]} 0 0",
        "mass * 20.0",
        "set type 1 charge 1.0",
        "set type 2 charge -1.0",
        "pair_style hybrid/overlay born 5.5 coul/cut 30.0",
        *(f"pair_coeff {types} born {values}" for types, values in coefficients),
        "pair_coeff * * coul/cut",
        "group second id 2",
        "variable pull equal -fx[1]",
        "thermo_style custom step pe v_pull",
        "thermo_modify format float %.15g",
    ]
    steps = []
    for before, here in zip((DISTANCES[0], *DISTANCES), DISTANCES, strict=False):
        steps += [f"displace_atoms second move {here - before:.15g} 0 0", "run 0 post no"]
    run = harness.run_lammps("\n".join([*setup, *steps, ""]), tmp_path)
    energy, slope = pairs.energy_of_pair(symbols, np.array(DISTANCES))
    assert len(run.thermo) == len(DISTANCES)
    assert [run.column("PotEng", i)[-1] for i in range(len(DISTANCES))] == pytest.approx(energy, abs=1e-9)
    assert [run.column("v_pull", i)[-1] for i in range(len(DISTANCES))] == pytest.approx(-slope, abs=1e-9)
