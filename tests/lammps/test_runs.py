# SPDX-License-Identifier: MIT
"""Everything that ends, interrupts or restarts a run: the state must be right at its first step, and afterwards."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import System, rock_salt

CRYSTAL = rock_salt((4, 4, 4), 2.9, seed=1, jitter=0.15)
START = "velocity all create 600 4711 mom yes\nfix nve all nve\nthermo 1\n"
STEPWISE = "dump steps all custom 1 steps.txt id type x y z q fx fy fz\ndump_modify steps sort id format float %.17g\n"
SOLVERS = ["ewald 1e-9", "pppm 1e-6"]


def oracle_of(frame: dict[str, np.ndarray], system: System, model) -> oracle.Reference:
    """The oracle at the positions of a dump frame; type order as in `system`."""
    symbols = tuple(system.types[int(kind) - 1] for kind in frame["type"])
    positions = np.stack([frame[axis] for axis in "xyz"], axis=-1)
    return oracle.evaluate(model, System(symbols, positions, system.cell, system.origin))


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kspace", SOLVERS)
def test_run_0_equals_step_0(tmp_path, model, kspace, ranks):
    found = []
    for steps in (0, 10):
        folder = tmp_path / str(steps)
        folder.mkdir()
        script = harness.setup(folder, CRYSTAL, model(), kspace=kspace) + START + STEPWISE + f"run {steps}\n"
        run = harness.run_lammps(script, folder, ranks)
        step_0 = harness.evaluation(run, dump="steps.txt", frame=0)
        first = {name: column[0] for name, column in run.thermo[-1].items()}
        found.append((step_0, first))
    (zero, thermo_zero), (ten, thermo_ten) = found
    np.testing.assert_array_equal(zero.forces, ten.forces)
    assert thermo_zero["PotEng"] == thermo_ten["PotEng"]
    for name in (*harness.VIRIAL_COLUMNS, "Press"):
        assert thermo_zero[name] == pytest.approx(thermo_ten[name], rel=tolerances.SAME_STEP_RELATIVE)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kspace", SOLVERS)
def test_every_step_is_right(tmp_path, model, kspace, ranks):
    """Ten steps of dynamics, neighbor lists rebuilt on the way: each frame against the oracle."""
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace=kspace) + START + STEPWISE
    run = harness.run_lammps(script + "neigh_modify every 1 delay 0 check no\nrun 10\n", tmp_path, ranks)
    tolerance = tolerances.EWALD if "ewald" in kspace else tolerances.DYNAMICS_PPPM
    virials, energies = harness.virial(run), run.column("PotEng")
    for step, frame in enumerate(run.dump("steps.txt")):
        found = harness.Evaluation(
            frame["q"] / harness.charge_unit(tmp_path / "model.pt"),
            energies[step],
            np.stack([frame[f"f{axis}"] for axis in "xyz"], axis=-1),
            virials[step],
        )
        assert_equal(found, oracle_of(frame, CRYSTAL, model()), tolerance)


@pytest.mark.parametrize("kspace, ranks", [("ewald 1e-9", 1), ("pppm 1e-6", 2)])
def test_several_runs_in_one_input(tmp_path, model, kspace, ranks):
    """Cut into pieces, with other commands between them, a trajectory stays the one it was."""
    setup = harness.setup(tmp_path, CRYSTAL, model(), kspace=kspace) + START
    whole = harness.run_lammps(setup + "run 12\n", tmp_path, ranks)
    end = whole.column("PotEng")[-1]
    pieces = [
        "run 4\nrun 0\nrun 8\n",
        "run 4\nrun 4 pre no post no\nrun 4\n",
        "run 6\nthermo_modify lost error\nneigh_modify delay 2\nkspace_modify minorder 2\nrun 6\n",
        "run 12 every 3 \"print 'pause'\"\n",
    ]
    for piece in pieces:
        found = harness.run_lammps(setup + piece, tmp_path, ranks).column("PotEng")[-1]
        assert found == pytest.approx(end, abs=tolerances.CUT_TRAJECTORY), piece


def test_steps_without_thermo_output(tmp_path, model):
    """Energies and virials are not asked for on most steps; forces must not notice."""
    setup = harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-6") + START
    often = harness.run_lammps(setup + "run 20\n", tmp_path).column("PotEng")[-1]
    rarely = harness.run_lammps(setup + "thermo 20\nrun 20\n", tmp_path).column("PotEng")[-1]
    assert rarely == pytest.approx(often, abs=tolerances.SAME_TRAJECTORY)


@pytest.mark.parametrize("step", [0, 3, 1000000])
def test_reset_timestep(tmp_path, model, step):
    """Per-atom energies of kspace are asked for by step number: a new number must not lose a step."""
    setup = harness.setup(tmp_path, CRYSTAL, model(), kspace="ewald 1e-9") + START
    whole = harness.run_lammps(setup + "run 10\n", tmp_path).column("PotEng")
    run = harness.run_lammps(setup + f"run 5\nreset_timestep {step}\nrun 5\n", tmp_path)
    assert run.column("Step")[0] == step
    np.testing.assert_allclose(run.column("PotEng"), whole[5:], rtol=0.0, atol=tolerances.SAME_TRAJECTORY)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("style", ["cg", "fire"])
def test_minimize(tmp_path, model, style, ranks):
    """Minimizers stop only where the force is the derivative of the energy."""
    path = model(neutralize=True)
    script = harness.setup(tmp_path, CRYSTAL, path, kspace="ewald 1e-9")
    script += f"thermo 10\nmin_style {style}\nminimize 0.0 1e-4 500 2000\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path, ranks)
    energies = run.column("PotEng")
    assert energies[-1] < energies[0] - 0.1
    found = harness.evaluation(run)
    assert np.linalg.norm(found.forces) < 1e-4, "not converged"
    assert_equal(found, oracle_of(run.dump()[-1], CRYSTAL, path), tolerances.EWALD)


def test_minimize_with_the_box(tmp_path, model):
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="ewald 1e-9")
    script += (
        "thermo 10\nfix box all box/relax iso 0.0 vmax 0.001\nminimize 0.0 1e-6 500 2000\nunfix box\nrun 0\n"
    )
    run = harness.run_lammps(script, tmp_path, ranks=2)
    assert abs(run.column("Press")[-1]) < 100.0 < abs(run.column("Press", 0)[0]), "bar"


def test_dynamics_after_minimization(tmp_path, model):
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-6")
    script += "minimize 0.0 1e-2 50 200\n" + START + "run 5\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path, ranks=2)
    assert_equal(
        harness.evaluation(run), oracle_of(run.dump()[-1], CRYSTAL, model()), tolerances.DYNAMICS_PPPM
    )


@pytest.mark.parametrize(
    "fix",
    ["nvt temp 600 600 0.05", "npt temp 600 600 0.05 aniso 0 0 0.5", "npt temp 600 600 0.05 tri 0 0 0.5"],
)
def test_conserved_quantity(tmp_path, model, fix):
    """``econserve`` drifts when the virial that drives the box is not the derivative of the energy.

    Not ``iso``: LAMMPS's own conserved quantity drifts there with plain Lennard-Jones, too.
    """
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-5")
    if " tri " in fix:
        script = script.replace("read_data system.data", "read_data system.data\nchange_box all triclinic")
    script += START.replace("fix nve all nve", f"fix ensemble all {fix}").replace("thermo 1", "thermo 10")
    script += (
        "thermo_style custom step temp pe econserve vol press\nthermo_modify format float %.16g\nrun 400\n"
    )
    run = harness.run_lammps(script, tmp_path, timeout=240)
    conserved = run.column("Econserve")[5:] / len(CRYSTAL)
    potential = run.column("PotEng") / len(CRYSTAL)
    assert np.ptp(potential) > 0.01, "nothing moved"
    assert np.ptp(conserved) < tolerances.CONSERVED_ENERGY
    if "npt" in fix:
        assert np.ptp(run.column("Volume")) > 0.003 * CRYSTAL.volume, "the box did not move"


@pytest.mark.parametrize("ranks", [1, 2])
def test_restart(tmp_path, model, ranks):
    """Positions, velocities and charges come from the restart file, the model from the input, as documented."""
    setup = harness.setup(tmp_path, CRYSTAL, model(), kspace="ewald 1e-9")
    script = setup + START + "run 5\nwrite_restart state.restart\nrun 5\n"
    whole = harness.run_lammps(script, tmp_path, ranks).column("PotEng")
    again = setup.replace("read_data system.data", "read_restart state.restart")
    again = "\n".join(line for line in again.splitlines() if not line.startswith(("units", "atom_style")))
    run = harness.run_lammps(again + "\nfix nve all nve\nthermo 1\nrun 5\n", tmp_path, ranks)
    assert run.column("Step")[0] == 5
    np.testing.assert_allclose(run.column("PotEng"), whole, rtol=0.0, atol=tolerances.SAME_TRAJECTORY)


def test_clear_and_start_again(tmp_path, model):
    """The style goes and comes back in one process, and leaves no fix, no compute and no thread behind."""
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="ewald 1e-9") + "run 0\n"
    run = harness.run_lammps(script + "clear\n" + script, tmp_path, ranks=2)
    assert run.column("PotEng", 0)[-1] == run.column("PotEng", 1)[-1]


def test_another_model_in_the_same_input(tmp_path, model):
    """``pair_coeff`` and ``pair_style`` again, with another sigma: the solver follows the model."""
    import shutil

    shutil.copy(model(sigma=1.4), tmp_path / "other.pt")
    script = harness.setup(tmp_path, CRYSTAL, model(), kspace="ewald 1e-9") + "run 0\n"
    script += "pair_coeff * * other.pt Cl Na\nrun 0\n"
    script += "pair_style les\npair_coeff * * model.pt Cl Na\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    found = [thermo["PotEng"][-1] for thermo in run.thermo]
    expected = [oracle.evaluate(path, CRYSTAL).energy for path in (model(), model(sigma=1.4), model())]
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=tolerances.EWALD.energy * len(CRYSTAL))
