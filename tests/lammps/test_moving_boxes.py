# SPDX-License-Identifier: MIT
"""Whatever moves the box: each step has the charges, energy and forces of a converged sum in the box of that step."""

from __future__ import annotations

from dataclasses import dataclass

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import CRYSTAL, System

# A fix may move the box at the end of a step, for the next one: these look before it does.
RECORD = """
variable lx equal lx
variable ly equal ly
variable lz equal lz
variable xy equal xy
variable xz equal xz
variable yz equal yz
fix edges all ave/time 1 1 1 v_lx v_ly v_lz v_xy v_xz v_yz
fix seen all ave/atom 1 1 1 x y z
thermo_style custom step pe f_edges[1] f_edges[2] f_edges[3] f_edges[4] f_edges[5] f_edges[6]
dump steps all custom 1 {name}.txt id type f_seen[1] f_seen[2] f_seen[3] q fx fy fz
"""
# Minimizers call no such fix, and their boxes do not move after the forces.
RECORD_OF_MINIMIZERS = """
thermo_style custom step pe lx ly lz xy xz yz
dump steps all custom 1 {name}.txt id type x y z q fx fy fz
"""
PIMD = (
    "fix box all pimd/langevin method nmpimd ensemble npt integrator obabo temp 600 thermostat PILE_L 1234 "
    "tau 0.1 iso 50000 barostat BZP taup 0.1"
)
TRICLINIC = "change_box all triclinic\n"
SHEARED = TRICLINIC + "change_box all xy final {} remap\nneigh_modify every 1 delay 0 check no\n"


@dataclass(frozen=True)
class Case:
    """What moves the box: commands, those that run, steps to look at, pair style, options of the model, box at first."""

    commands: str
    run: str = "run 6"
    steps: tuple[int, ...] = (6,)
    style: str = "les"
    model: tuple[tuple[str, object], ...] = ()
    record: str = RECORD
    box: str = ""


CASES = {
    "npt": Case("fix box all npt temp 600 600 0.05 iso 50000 50000 0.02"),
    "npt tri": Case("fix box all npt temp 600 600 0.05 tri 50000 50000 0.02", box=TRICLINIC),
    "nph": Case("fix box all nph aniso 50000 50000 0.02"),
    "npt/cauchy": Case(
        "fix box all npt/cauchy temp 600 600 0.1 x 500000 500000 0.05 y 0 0 0.1 z 0 0 0.1",
        style="les coul 6.5",
    ),
    "bocs": Case("fix box all bocs temp 600 600 0.05 cgiso 50000 50000 0.2 analytic 1 64 1 0.0"),
    "press/berendsen": Case("fix nve all nve\nfix box all press/berendsen iso 50000 50000 0.01 modulus 1e6"),
    "press/langevin": Case(
        "fix nve all nve\nfix box all press/langevin iso 50000 50000 0.5 temp 600 600 4711"
    ),
    "deform": Case("fix nve all nve\nfix box all deform 1 x erate 2.0 z erate -1.0 remap x"),
    "nvt/sllod": Case(
        "fix nvt all nvt/sllod temp 600 600 0.05\nfix box all deform 1 xy erate 2.0 remap v", box=TRICLINIC
    ),
    "msst": Case("fix box all msst z 20.0 q 10 mu 0 tscale 0.01"),
    "box/relax": Case(
        "min_style cg\nfix box all box/relax iso 50000 vmax 0.01",
        "minimize 0 0 6 50",
        (6,),
        record=RECORD_OF_MINIMIZERS,
    ),
    # -- those that say nothing to kspace
    "pimd/langevin": Case(PIMD),
    "pimd/langevin, split mode": Case(PIMD, style="les coul 6.5"),
    "pimd/langevin, charge equilibration": Case(
        PIMD, style="les qtol 1e-9", model=(("kind", "equilibration"),)
    ),
    "flip of deform": Case(
        "fix nve all nve\nfix box all deform 1 xy erate 2.0 remap x flip yes",
        steps=tuple(range(2, 7)),
        box=SHEARED.format(5.7),
    ),
    "flip of npt": Case(
        "fix box all npt temp 600 600 0.05 x 0 0 0.1 y 0 0 0.1 xy 0 0 0.1 flip yes",
        "run 2",
        (1, 2),
        box=SHEARED.format(7.2),
    ),
    "change_box in a loop": Case(
        "fix nve all nve", 'run 6 pre yes every 2 "change_box all x scale 1.03 remap"', (1, 3, 5)
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, model) -> harness.Run:
    """All cases in one LAMMPS, one after another."""
    folder = tmp_path_factory.mktemp("moving_boxes")
    script = ""
    for number, case in enumerate(CASES.values()):
        path = model(**dict(case.model))
        pair = [f"pair_style {case.style}", f"pair_coeff * * {path} Cl Na"]
        script += harness.setup(
            folder,
            CRYSTAL,
            path,
            kspace="pppm 1e-6",
            pair=pair,
            before_box=["atom_modify map yes"],
            after_box=case.box.splitlines(),
        )
        script += "velocity all create 600 4711 mom yes\n" + case.record.format(name=number)
        script += "dump_modify steps sort id format float %.17g\nthermo 1\nthermo_modify format float %.17g\n"
        script += f"timestep 0.002\n{case.commands}\nprint 'case {number}'\n{case.run}\nclear\n"
    return harness.run_lammps(script, folder, ranks=2, timeout=300)


@pytest.mark.parametrize("name", CASES)
def test_steps(run, model, name):
    case, number = CASES[name], list(CASES).index(name)
    path = model(**dict(case.model))
    rows = rows_of(run, number)
    edges = rows[:, 2:]
    assert np.ptp(edges, axis=0).max() > 0.02, "the box has not moved"
    frames = {int(frame_step): frame for frame_step, frame in dumped(run, number)}
    tolerance = tolerances.EQUILIBRATED_DYNAMICS if case.model else tolerances.DYNAMICS_PPPM
    for row in rows:
        if int(row[0]) not in case.steps:
            continue
        frame = frames[int(row[0])]
        coordinates = ("x", "y", "z") if "x" in frame else tuple(f"f_seen[{k}]" for k in (1, 2, 3))
        xx, yy, zz, xy, xz, yz = row[2:]
        system = System(
            tuple(CRYSTAL.types[int(kind) - 1] for kind in frame["type"]),
            np.stack([frame[axis] for axis in coordinates], axis=-1),
            np.array([[xx, 0.0, 0.0], [xy, yy, 0.0], [xz, yz, zz]]),
        )
        expected = oracle.evaluate(path, system)
        found = harness.Evaluation(
            frame["q"] / harness.charge_unit(path),
            row[1],
            np.stack([frame[f"f{axis}"] for axis in "xyz"], axis=-1),
            expected.virial,  # the pressure is that of the box after the step
        )
        assert_equal(found, expected, tolerance)


def rows_of(run: harness.Run, number: int) -> np.ndarray:
    """Thermo lines of one case: step, energy, six edges."""
    text = run.log.split(f"\ncase {number}\n")[1].split("\nclear\n")[0]
    return np.array(
        [
            line.split()
            for line in text.splitlines()
            if line[:11].strip().isdigit() and len(line.split()) == 8
        ],
        dtype=float,
    )


def dumped(run: harness.Run, number: int) -> list[tuple[int, dict[str, np.ndarray]]]:
    """Frames of one case with their steps."""
    path = run.folder / f"{number}.txt"
    steps = path.read_text().split("ITEM: TIMESTEP\n")[1:]
    return list(zip((int(text.split()[0]) for text in steps), harness.read_dump(path), strict=True))
