# SPDX-License-Identifier: MIT
"""Commands of LAMMPS that call pair and kspace styles themselves and are right (docs/reference/lammps_commands.md)."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import CRYSTAL, System, random_fluid, rock_salt

DUMP = "write_dump all custom dump.txt id type x y z q fx fy fz modify sort id format float %.17g\n"
MAP = ["atom_modify map yes"]


def check_last_step(run: harness.Run, model) -> None:
    """The last step against the oracle, with the atom types that it ends with."""
    (frame,) = run.dump()
    symbols = tuple(CRYSTAL.types[int(kind) - 1] for kind in frame["type"])
    positions = np.stack([frame[axis] for axis in "xyz"], axis=-1)
    expected = oracle.evaluate(model, System(symbols, positions, CRYSTAL.cell))
    assert_equal(harness.evaluation(run), expected, tolerances.DYNAMICS_PPPM)


SWAPS = {
    "atom/swap": "fix s all atom/swap 1 6 29494 1.0e6 types 1 2",
    "atom/swap semi-grand": "fix s all atom/swap 1 6 29494 1.0e6 types 1 2 semi-grand yes mu 0.0 0.0",
}


@pytest.mark.parametrize("name", SWAPS)
def test_swaps(tmp_path, model, name):
    """Types change, charges follow; and a second run, at whose start atoms of a type have different charges."""
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-6", before_box=MAP)
    script += f"velocity all create 600 4711\nfix nve all nve\n{SWAPS[name]}\nrun 3\nrun 3\n{DUMP}"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    check_last_step(run, model())
    before = [CRYSTAL.types.index(symbol) + 1 for symbol in CRYSTAL.symbols]
    assert np.any(run.dump()[0]["type"] != before), "nothing has been swapped"


def test_molecules_swap(tmp_path, model):
    """``fix mol/swap`` exchanges the types of the atoms of one molecule."""
    script = harness.setup(
        tmp_path, CRYSTAL, model(), kspace="pppm 1e-6", before_box=MAP, style="full"
    ).replace("read_data system.data", "read_data system.data\nset atom * mol 0\nset atom 1*32 mol 1")
    script += f"fix nve all nve\nfix s all mol/swap 1 4 1 2 4711 1.0e6\nrun 3\nrun 3\n{DUMP}"
    check_last_step(harness.run_lammps(script, tmp_path), model())


def test_numdiff(tmp_path, model):
    """``fix numdiff`` differentiates the energy, whose differences are the forces of this style."""
    fluid = random_fluid({"Na": 6, "Cl": 6}, np.diag([9.0, 9.0, 9.0]), seed=1)
    script = harness.setup(tmp_path, fluid, model(), kspace="ewald 1e-11", before_box=MAP)
    script += "fix d all numdiff 1 0.0001\nrun 0\n"
    script += (
        "write_dump all custom dump.txt id fx fy fz f_d[1] f_d[2] f_d[3] modify sort id format float %.17g\n"
    )
    (frame,) = harness.run_lammps(script, tmp_path).dump()
    for k, axis in enumerate("xyz"):
        difference = np.abs(frame[f"f{axis}"] - frame[f"f_d[{k + 1}]"]).max()
        assert difference < tolerances.DIFFERENCED_FORCE


@pytest.mark.parametrize("solver", ["no charges", "direct sum"])
def test_strained_atoms(tmp_path, model, solver):
    """Without kspace the energy depends on the strained atoms alone: these commands are refused with kspace only."""
    crystal = rock_salt((2, 2, 2), 2.9, seed=1, jitter=0.15)
    options = {"before_box": [*MAP, "boundary f f f"], "kspace": None}
    script = harness.setup(
        tmp_path, crystal, model(sigma=None) if solver == "no charges" else model(), **options
    )
    script += (
        "fix v all numdiff/virial 1 0.00001\ncompute b all born/matrix numdiff 0.00001 les_test_virial\n"
    )
    script += "thermo_style custom step vol " + " ".join(harness.VIRIAL_COLUMNS)
    script += " f_v[1] f_v[2] f_v[3] f_v[4] f_v[5] f_v[6] c_b[1] c_b[7] c_b[8] c_b[9] c_b[10] c_b[11]\nthermo_modify format float %.16g\nrun 0\n"
    script += "change_box all x scale 1.0001 remap\nrun 0\nchange_box all x scale 0.9998 remap\nrun 0\n"
    run = harness.run_lammps(script, tmp_path)
    exact = harness.virial(run, index=0)[0]
    difference = np.array([run.column(f"f_v[{k}]", 0)[0] for k in range(1, 7)])
    difference *= run.column("Volume", 0)[0] / harness.PRESSURE_FACTOR["metal"]
    # the order of fix numdiff/virial is xx yy zz yz xz xy
    assert np.abs(difference - exact[[0, 1, 2, 5, 4, 3]]).max() < len(crystal) * tolerances.DIFFERENCED_VIRIAL

    # compute born/matrix: -dW_ab/deps_xx of the virial W, less what W changes by because the strained axes enter it
    slope = (harness.virial(run, index=1)[0] - harness.virial(run, index=2)[0]) / (1.0001 * 0.0002)
    axes_of_x = np.array([2.0, 0.0, 0.0, 1.0, 1.0, 0.0])  # xx yy zz xy xz yz
    columns = (1, 7, 8, 11, 10, 9)  # C11 C12 C13 C16 C15 C14
    matrix = np.array([run.column(f"c_b[{column}]", 0)[0] for column in columns])
    assert np.abs(matrix - (axes_of_x * exact - slope)).max() < tolerances.DIFFERENCED_BORN_MATRIX


def test_test_area(tmp_path, model):
    """``compute fep/ta`` changes the box on its own: the energy of the other box less that of this one."""
    scale = 1.001
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-6", before_box=MAP)
    script += f"compute a all fep/ta 600.0 xy {scale}\n"
    script += "thermo_style custom step pe c_a[1] c_a[3]\nthermo_modify format float %.16g\nrun 0\nrun 1\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    stretch = np.diag([scale**0.5, scale**0.5, 1.0 / scale])
    other = System(CRYSTAL.symbols, CRYSTAL.positions @ stretch, CRYSTAL.cell @ stretch)
    expected = oracle.evaluate(model(), other).energy - oracle.evaluate(model(), CRYSTAL).energy
    for index in (0, 1):
        for found in run.column("c_a[1]", index):
            assert found == pytest.approx(expected, abs=len(CRYSTAL) * tolerances.PPPM.energy)
