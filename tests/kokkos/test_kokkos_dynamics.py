# SPDX-License-Identifier: MIT
"""Trajectories on the device path are those of the host style, and conserve the energy as well."""

from __future__ import annotations

import harness
import numpy as np
import pytest
import tolerances
from systems import rock_salt

IONS = rock_salt((6, 6, 4), 2.9, seed=1)
TIMESTEP = 0.0005  # ps
MESH = ["kspace_modify order 7 diff ik"]
ARGUMENTS = {"kk": harness.KOKKOS_ARGUMENTS, "host": ()}


def run(folder, model, name: str, style: str, commands: str, ranks: int = 1) -> harness.Run:
    (folder / name).mkdir()
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    script = harness.setup(folder / name, IONS, model, kspace="pppm 1e-5", after_pair=MESH, pair=pair)
    script += "velocity all create 1200 4711 mom yes\n" + commands
    return harness.run_lammps(
        script, folder / name, ranks, timeout=240, lammps=harness.kokkos_lammps(ARGUMENTS[name])
    )


@pytest.mark.parametrize("style", ["les", "les coul 7.0"])
def test_drift(tmp_path, model, style):
    """1000 steps: the same slope of the total energy, and within the bar of the host style."""
    drift = {}
    for name in ARGUMENTS:
        finished = run(
            tmp_path, model(sigma=1.5), name, style, "fix nve all nve\nthermo 10\nrun 1000\n", ranks=2
        )
        energies = 1e3 * finished.column("TotEng")[10:] / len(IONS)
        drift[name] = float(np.polyfit(TIMESTEP * finished.column("Step")[10:], energies, 1)[0])
        assert finished.column("Temp").min() > 300.0, "too cold to test anything"
    print(f"drift, meV/atom/ps: {drift}")
    assert abs(drift["kk"] - drift["host"]) < tolerances.DRIFT
    assert abs(drift["kk"]) < 3.0 * tolerances.DRIFT + abs(drift["host"])


CUT = """fix nve all nve
thermo 1
run 7
run 0
run 5 pre no
change_box all x scale 1.03 y scale 1.03 z scale 1.05 remap
run 6
unfix nve
minimize 0.0 1.0e-3 10 20
"""


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("style", ["les", "les coul 7.0"])
def test_several_runs(tmp_path, model, style, ranks):
    """Runs that continue, a box that changes, a minimization."""
    host, kk = (run(tmp_path, model(), name, style, CUT, ranks) for name in ("host", "kk"))
    assert len(host.thermo) == len(kk.thermo) == 5
    for number in range(4):
        for column in ("PotEng", "TotEng", "Press"):
            expected = host.column(column, number)
            np.testing.assert_allclose(
                kk.column(column, number), expected, rtol=1e-8, atol=tolerances.CUT_TRAJECTORY, err_msg=column
            )
    assert kk.column("PotEng", 4)[0] == pytest.approx(
        host.column("PotEng", 4)[0], abs=tolerances.CUT_TRAJECTORY
    )
    assert kk.column("PotEng", 4)[-1] < kk.column("PotEng", 4)[0]


def test_number_of_atoms_changes(tmp_path, model):
    """pppm/kk then sums the charges on the host by itself."""
    commands = "fix nve all nve\nthermo 1\nrun 3\ndelete_atoms group gone\nrun 3\n"
    commands = "group gone id 1 2 7\n" + commands.replace("run 3\ndelete", "run 3\nreset_timestep 3\ndelete")
    host, kk = (run(tmp_path, model(), name, "les", commands, 2) for name in ("host", "kk"))
    for number in range(2):
        np.testing.assert_allclose(
            kk.column("TotEng", number), host.column("TotEng", number), rtol=0, atol=tolerances.CUT_TRAJECTORY
        )


def test_neighbor_lists_that_are_rebuilt_on_every_step(tmp_path, model):
    commands = "neigh_modify every 1 delay 0 check no\nfix nve all nve\nthermo 1\nrun 12\n"
    host, kk = (run(tmp_path, model(), name, "les coul 7.0", commands, 2) for name in ("host", "kk"))
    np.testing.assert_allclose(
        kk.column("TotEng"), host.column("TotEng"), rtol=0, atol=tolerances.CUT_TRAJECTORY
    )
