# SPDX-License-Identifier: MIT
"""Reference energies of all-electron size beside a float32 network: LAMMPS loses no digit of energy differences."""

from __future__ import annotations

import functools
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances
from analytic_models import write_model
from ase import Atoms
from pair_les import LESCalculator
from systems import rock_salt

SHIFTS = {
    "none": {},
    "thousands": {"Na": -4421.0, "Cl": -12517.0},
    "all-electron": {"Na": -525e3, "Cl": -13e3},
}
"""eV per element: nothing, and constants that float32 rounds by up to 1e-3 and 0.06 eV."""

SYSTEM = rock_salt((4, 4, 4), spacing=2.9, seed=2, jitter=0.15)

COMMANDS = """
compute e all pe/atom
compute sum all reduce sum c_e
thermo_style custom step pe etotal c_sum
thermo_modify format float %.17g
thermo 1
velocity all create 300 4
fix nve all nve
run 10
unfix nve
minimize 0.0 1e-3 15 100
write_dump all custom min.txt id x y z modify sort id format float %.17g
"""


def shifted_model(path: Path, shift: dict[str, float], **options: object) -> Path:
    """A model file with such reference energies."""

    def edit(metadata: dict) -> None:
        if shift:
            metadata["format_version"] = 3
            metadata["reference_energies"] = shift
            metadata["long_range"].setdefault("charge_model", "latent")

    write_model(path, edit_metadata=edit, **{"dtype": "float32", **options})
    return path


def total(shift: dict[str, float]) -> float:
    """Of the atoms of `SYSTEM`, eV."""
    return sum(SYSTEM.symbols.count(symbol) * energy for symbol, energy in shift.items())


@pytest.fixture(scope="module")
def dynamics(tmp_path_factory: pytest.TempPathFactory):
    """``dynamics(name, ranks, units)``: the run of `COMMANDS` with a shift, once."""

    @functools.cache
    def run(name: str, ranks: int = 1, units: str = "metal") -> harness.Run:
        folder = tmp_path_factory.mktemp("references")
        model = shifted_model(folder / "shifted.pt", SHIFTS[name])
        script = harness.setup(folder, SYSTEM, model, kspace="ewald 1e-5", units=units) + COMMANDS
        return harness.run_lammps(script, folder, ranks)

    return run


def position_array(run: harness.Run) -> np.ndarray:
    (frame,) = run.dump("min.txt")
    return np.stack([frame[axis] for axis in "xyz"], axis=1)


@pytest.mark.parametrize(("ranks", "units"), [(1, "metal"), (2, "metal"), (1, "real")])
@pytest.mark.parametrize("name", ["thousands", "all-electron"])
def test_dynamics_and_minimization_see_no_constant(dynamics, name: str, ranks: int, units: str) -> None:
    """Energy differences, number of iterations and final positions are those of the run without a constant."""
    plain, shifted = dynamics("none", ranks, units), dynamics(name, ranks, units)
    constant = total(SHIFTS[name]) * harness.ENERGY_PER_EV[units]
    limit = tolerances.REFERENCE_ENERGY * len(SYSTEM) * harness.ENERGY_PER_EV[units]
    for index, column in ((0, "PotEng"), (0, "TotEng"), (0, "c_sum"), (1, "PotEng"), (1, "c_sum")):
        one, other = plain.column(column, index), shifted.column(column, index)
        assert len(one) == len(other), f"{column} of run {index}: {len(one)} and {len(other)} steps"
        np.testing.assert_allclose(other - constant, one, rtol=0, atol=limit)
    np.testing.assert_allclose(
        position_array(shifted), position_array(plain), atol=tolerances.REFERENCE_POSITION
    )


@pytest.mark.parametrize("kind", ["pair", "equilibration"])
def test_lammps_and_ase_agree(tmp_path: Path, kind: str) -> None:
    shift = SHIFTS["all-electron"]
    model = shifted_model(tmp_path / "shifted.pt", shift, kind=kind, neutralize=True)
    found = harness.evaluate(tmp_path, SYSTEM, model, kspace="ewald 1e-9")
    atoms = Atoms(SYSTEM.symbols, positions=SYSTEM.positions, cell=SYSTEM.cell, pbc=True)
    atoms.calc = LESCalculator(model)
    difference = (found.energy - atoms.get_potential_energy()) / len(SYSTEM)
    assert abs(difference) < tolerances.FLOAT32.energy
