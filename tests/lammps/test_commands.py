# SPDX-License-Identifier: MIT
"""Commands that change the box, the decomposition or the source of the positions in the middle of an input."""

from __future__ import annotations

import harness
import numpy as np
import oracle
import pytest
import tolerances
from analytic_models import write_model
from compare import assert_equal
from error_lines import assert_one_error_line
from systems import MASSES, System, rock_salt

CRYSTAL = rock_salt((4, 4, 4), 2.9, seed=1, jitter=0.15)
STYLES = [
    "les",
    "les coul 4.5",
    "les coul 6.5",
]  # no pair sum; a shorter and a longer one than the network's 5 A
START = "velocity all create 600 4711 mom yes\nthermo 1\n"
DUMP = (
    "dump steps all custom 1 steps.txt id type x y z q fx fy fz\n"
    "dump_modify steps sort id format float %.17g\n"
)
BOX = "thermo_style custom step pe vol lx ly lz {}\nthermo_modify format float %.17g\n".format(
    " ".join(harness.VIRIAL_COLUMNS)
)


def start(folder, model, style: str, kspace: str = "pppm 1e-6") -> str:
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    return harness.setup(folder, CRYSTAL, model, kspace=kspace, pair=pair) + "neighbor 1.0 bin\n" + START


def check_steps(run: harness.Run, model, tolerance: tolerances.Tolerance) -> None:
    """Every dumped frame against the oracle in the box of its step."""
    energies, virials = run.column("PotEng"), harness.virial(run)
    edges = np.stack([run.column(name) for name in ("Lx", "Ly", "Lz")], axis=-1)
    for step, frame in enumerate(run.dump("steps.txt")):
        symbols = tuple(CRYSTAL.types[int(kind) - 1] for kind in frame["type"])
        positions = np.stack([frame[axis] for axis in "xyz"], axis=-1)
        found = harness.Evaluation(
            frame["q"] / harness.charge_unit(run.folder / "model.pt"),
            energies[step],
            np.stack([frame[f"f{axis}"] for axis in "xyz"], axis=-1),
            virials[step],
        )
        assert_equal(
            found, oracle.evaluate(model, System(symbols, positions, np.diag(edges[step]))), tolerance
        )


@pytest.mark.parametrize("style", STYLES)
def test_fix_deform(tmp_path, model, style):
    """Box and lists change under way; the mesh is sized again when the volume has grown by a tenth.

    The box moves after the forces of a step, so that only a `run 0` at the end belongs to the box it prints.
    """
    script = start(tmp_path, model(), style) + "fix nve all nve\ntimestep 0.002\n"
    script += "fix stretch all deform 1 x scale 1.15 z scale 1.1 remap x\nrun 12\nunfix stretch\n"
    run = harness.run_lammps(script + BOX + DUMP + "run 0\n", tmp_path, ranks=2)
    assert run.column("Volume")[-1] > 1.2 * CRYSTAL.volume
    assert run.log.split("run 12")[1].split("Loop time")[0].count("PPPM initialization") > 2
    check_steps(run, model(), tolerances.DYNAMICS_PPPM)


@pytest.mark.parametrize("style", STYLES)
def test_lists_between_their_rebuilds(tmp_path, model, style):
    """Atoms move 0.4 A within a list made for 1 A of skin, and across its rebuilds."""
    script = start(tmp_path, model(), style) + "velocity all create 3000 4711 mom yes\nfix nve all nve\n"
    script += "timestep 0.004\nneigh_modify every 1 delay 0 check yes\n" + BOX + DUMP + "run 12\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    check_steps(run, model(), tolerances.DYNAMICS_PPPM)
    assert "Neighbor list builds = 0" not in run.log


@pytest.mark.parametrize("style", STYLES)
def test_rerun(tmp_path, model, style):
    """Forces of a dump are found again from its positions."""
    script = start(tmp_path, model(), style) + "fix nve all nve\n" + DUMP + "run 6\nundump steps\nunfix nve\n"
    script += DUMP.replace("steps", "again") + "rerun steps.txt dump x y z\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    first, second = run.dump("steps.txt"), run.dump("again.txt")
    assert len(first) == len(second) == 7
    for before, after in zip(first, second, strict=True):
        for name in ("q", "fx", "fy", "fz"):
            # another splitting parameter where the first run began without charges: the mesh error
            np.testing.assert_allclose(
                after[name], before[name], rtol=0.0, atol=tolerances.DYNAMICS_PPPM.force
            )


@pytest.mark.parametrize("style", ["les", "les coul 6.5"])
@pytest.mark.parametrize("comm", ["brick", "tiled"])
def test_fix_balance(tmp_path, model, style, comm):
    """Atoms change their rank in the middle of a run."""
    method = "shift x 10 1.0" if comm == "brick" else "rcb"
    script = start(tmp_path, model(), style) + f"comm_style {comm}\nfix nve all nve\n"
    script += f"fix balance all balance 3 1.0 {method}\n" + BOX + DUMP + "run 9\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    check_steps(run, model(), tolerances.DYNAMICS_PPPM)


@pytest.mark.parametrize("style", ["les", "les coul auto"])
def test_replicate_and_change_box(tmp_path, model, style):
    script = start(tmp_path, model(), style, "pppm 1e-7")
    script += "run 0\nreplicate 2 1 1\nrun 0\nchange_box all z scale 1.2 remap\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    energies = [thermo["PotEng"][-1] for thermo in run.thermo]
    assert energies[1] == pytest.approx(2.0 * energies[0], abs=tolerances.PPPM.energy * 2 * len(CRYSTAL))
    stretch = np.diag([1.0, 1.0, 1.2])
    stretched = System(CRYSTAL.symbols, CRYSTAL.positions @ stretch, CRYSTAL.cell @ stretch)
    assert energies[2] == pytest.approx(
        2.0 * oracle.evaluate(model(), stretched).energy, abs=tolerances.PPPM.energy * 2 * len(CRYSTAL)
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_excluded_neighbors_are_refused(tmp_path, model, ranks):
    script = (
        harness.setup(tmp_path, CRYSTAL, model(), kspace="pppm 1e-4")
        + "neigh_modify exclude type 1 1\nrun 0\n"
    )
    run = harness.run_lammps(script, tmp_path, ranks, expect_error=True)
    assert_one_error_line(run, ("neigh_modify exclude", "neigh_modify exclude none"))
    harness.run_lammps(script.replace("run 0", "neigh_modify exclude none\nrun 0"), tmp_path, ranks)


@pytest.mark.parametrize("kspace", ["pppm 1e-4", None])
@pytest.mark.parametrize("ranks", [1, 2])
def test_exception_in_the_backward_pass(tmp_path, kspace, ranks):
    """The second phase of one step fails on every rank in one line, too."""
    write_model(tmp_path / "model.pt", "raising_backward", sigma=1.0 if kspace else None)
    script = harness.setup(tmp_path, CRYSTAL, "model.pt", kspace=kspace) + "run 0\n"
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt",))


@pytest.mark.parametrize("style", ["les", "les coul 6.5"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_dynamical_matrix(tmp_path, model, style, ranks):
    """This command calls kspace itself and does not ask it for the energies of atoms, which the charges' forces need."""
    step, atoms = 0.001, (1, 2)
    pair = [f"pair_style {style}", "pair_coeff * * model.pt Cl Na"]
    options = {"kspace": "pppm 1e-7", "pair": pair, "before_box": ["atom_modify map yes"]}
    script = harness.setup(tmp_path, CRYSTAL, model(), **options) + "group moved id 1 2\ngroup one id 1\n"
    script += f"dynamical_matrix moved eskm {step} file matrix.txt\n"
    for atom in atoms:
        script += f"group one clear\ngroup one id {atom}\n"
        for axis in range(3):
            for sign, name in ((1.0, "plus"), (-2.0, "minus")):
                move = " ".join(str(sign * step * (k == axis)) for k in range(3))
                script += f"displace_atoms one move {move} units box\nrun 0 post no\n"
                script += f"write_dump moved custom {name}{atom}{axis} id fx fy fz modify sort id format float %.17g\n"
            move = " ".join(str(step * (k == axis)) for k in range(3))
            script += f"displace_atoms one move {move} units box\n"
    harness.run_lammps(script, tmp_path, ranks)

    def forces(name):
        (frame,) = harness.read_dump(tmp_path / name)
        return np.stack([frame[f"f{axis}"] for axis in "xyz"], axis=-1).reshape(-1)

    columns = [
        (forces(f"minus{a}{k}") - forces(f"plus{a}{k}")) / (2.0 * step) for a in atoms for k in range(3)
    ]
    masses = np.repeat([MASSES[CRYSTAL.symbols[atom - 1]] for atom in atoms], 3)
    expected = np.array(columns) / np.sqrt(np.outer(masses, masses))
    found = np.loadtxt(tmp_path / "matrix.txt").reshape(6, 6)
    factor = float(np.sum(found * expected) / np.sum(expected**2))
    assert np.abs(found - factor * expected).max() < 1e-4 * np.abs(found).max()
    assert np.abs(found - found.T).max() < 1e-4 * np.abs(found).max()
