# SPDX-License-Identifier: MIT
"""Electrodes of pair_style les: the planar capacitor, the dense solve of Python, fix electrode/conp of LAMMPS, exact forces."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import harness
import numpy as np
import pytest
import tolerances as tol
from ase import Atoms
from capacitors import KE, ions_between, planar_charge, plate
from error_lines import assert_one_error_line
from finite_differences import EWALD, Solver, check_forces, check_virial
from pair_les import Electrode, LESCalculator
from systems import System

BOTTOM, TOP, EDGE = 2.0, 14.0, 7.5
WALLS = np.vstack([plate(3, 2.5, BOTTOM), plate(3, 2.5, TOP)])
IONS = ions_between(6, EDGE, BOTTOM + 2.5, TOP - 2.5, seed=2)
CELL = System(("C",) * 18 + ("Na", "Cl") * 3, np.vstack([WALLS, IONS]), np.diag([EDGE, EDGE, 20.0]))
GROUPS = ["group left id 1:9", "group right id 10:18"]
TWO = "electrode left 1.0 hardness 2.0 electrode right 0.0"
SLAB = {"before_box": ["boundary p p f"], "after_pair": ["kspace_modify slab 5.0"]}
TIGHT = "qtol 1e-12 qiter 200"


def pair(keywords: str = TWO, types: str = "NULL Cl Na") -> dict[str, list[str]]:
    """Commands of the style; the walls are charges and nothing else unless `types` names an element."""
    return {"pair": [*GROUPS, f"pair_style les {TIGHT} {keywords}", f"pair_coeff * * model.pt {types}"]}


def reference(path: Path, electrodes: dict[str, Electrode], pbc: Sequence[bool], **options: object) -> Atoms:
    atoms = Atoms(CELL.symbols, CELL.positions, cell=CELL.cell, pbc=pbc)
    atoms.calc = LESCalculator(path, electrodes=electrodes, **options)
    return atoms


def walls(left: float = 1.0, right: float = 0.0, hardness: float = 2.0) -> dict[str, Electrode]:
    return {
        "left": Electrode(range(9), potential=left, hardness=hardness),
        "right": Electrode(range(9, 18), potential=right),
    }


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_against_the_dense_solve(tmp_path, model, ranks):
    path = model()
    found = harness.evaluate(tmp_path, CELL, path, ranks=ranks, **pair(), **SLAB)
    expected = reference(path, walls(), (True, True, False))
    np.testing.assert_allclose(found.charges, expected.get_charges(), rtol=0.0, atol=tol.ELECTRODE_CHARGE)
    assert found.energy == pytest.approx(expected.get_potential_energy(), abs=tol.ELECTRODE_ENERGY)
    np.testing.assert_allclose(found.forces, expected.get_forces(), rtol=0.0, atol=tol.EWALD.force)


VARIANTS = {
    "neutralized": {"model": {"neutralize": True, "self_interaction": True, "coulomb_constant": 14.33}},
    "in the network": {"types": "Na Cl Na", "keywords": f"{TWO} masses any", "model": {"neutralize": True}},
    "given charge": {"keywords": "electrode left charge 0.7 electrode right 0.2 hardness 1.0"},
    "periodic": {"boundary": "p p p"},
    "free": {"boundary": "p p p", "keywords": f"{TWO} neutral no"},
    "total charge": {"boundary": "p p p", "keywords": f"{TWO} charge 1.0"},
    "split": {"boundary": "p p p", "keywords": f"{TWO} coul 5.5"},
    "isolated": {"boundary": "f f f", "keywords": f"{TWO} neutral no"},
    "real units": {"boundary": "f f f", "units": "real", "keywords": f"{TWO} neutral yes"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(tmp_path, model, name):
    """Against the dense solve: options of the model, walls that the network sees, constraints, boundaries, split mode.

    Nothing but a potential changes, and the charges of the last step come from the matrix.
    """
    given = {"boundary": "p p f", "keywords": TWO, "types": "NULL Cl Na", "model": {}, **VARIANTS[name]}
    path, units = model(**given["model"]), given.get("units", "metal")
    pbc = [letter == "p" for letter in given["boundary"].split()]
    options = {"before_box": [f"boundary {given['boundary']}"], "units": units}
    options |= {"after_pair": ["kspace_modify slab 5.0"]} if pbc == [True, True, False] else {}
    options |= {"kspace": "ewald 1e-11" if any(pbc) else None}
    value = 0.7 if name == "given charge" else 1.0
    keywords = re.sub(r"(left( charge)?) \S+", r"\1 v_left", given["keywords"])
    commands = pair(keywords, given["types"])
    options["after_box"] = [f"variable left equal {value}+0.1*((step*7)%5+1)*(step<30)"]
    commands["pair"].append("compute e all les/electrode")
    script = harness.setup(tmp_path, CELL, path, **commands, **options)
    script += "fix e all ave/time 30 1 30 c_e[*] file charges.txt mode vector\nrun 30\n"
    run = harness.run_lammps(script + harness.DUMP, tmp_path, ranks=2)
    if name != "given charge":  # which shifts all charges of a wall alike, without iterations
        assert "electrodes do not move: the matrix of their 18 charges" in run.output
    found = harness.evaluation(run, units)
    electrodes, neutral = walls(), "neutral no" not in given["keywords"]
    if name == "given charge":
        electrodes = {
            "left": Electrode(range(9), charge=0.7),
            "right": Electrode(range(9, 18), potential=0.2, hardness=1.0),
        }
    total = 1.0 if name == "total charge" else None
    expected = reference(path, electrodes, pbc, neutral=neutral, total_charge=total)
    expected.symbols[:18] = "Na" if name == "in the network" else "C"
    np.testing.assert_allclose(found.charges, expected.get_charges(), rtol=0.0, atol=tol.ELECTRODE_CHARGE)
    assert found.energy == pytest.approx(expected.get_potential_energy(), abs=tol.ELECTRODE_ENERGY)
    np.testing.assert_allclose(found.forces, expected.get_forces(), rtol=0.0, atol=tol.EWALD.force)
    if "left 1.0" in given["keywords"]:
        other = reference(path, walls(left=2.0), pbc, neutral=neutral, total_charge=total)
        other.symbols[:18] = expected.symbols[:18]
        answer = (other.get_charges() - expected.get_charges())[:9].sum()
        assert capacitances(tmp_path / "charges.txt")[0] == pytest.approx(answer, rel=1e-5)  # 6 digits
    if all(pbc):
        virial = -expected.get_stress() * expected.get_volume()  # xx yy zz yz xz xy
        np.testing.assert_allclose(
            found.virial, virial[[0, 1, 2, 5, 4, 3]], rtol=0.0, atol=24 * tol.EWALD.virial
        )


@pytest.mark.parametrize("ranks", [1, 2])
def test_flat_walls(tmp_path, model, ranks):
    """Two walls of Gaussians in vacuum, on a mesh, without a single atom that the network sees; output of the compute."""
    n, distance, voltage = 6, 10.0, 2.0
    positions = np.vstack([plate(n, 1.5, 1.0), plate(n, 1.5, 1.0 + distance)])
    system = System(("C",) * 2 * n * n, positions, np.diag([9.0, 9.0, 16.0]))
    commands = [
        f"group left id 1:{n * n}",
        "group right subtract all left",
        "variable bias equal 0.5+0.5*((step*7)%5)",
        "pair_style les electrode left v_bias electrode right -1.5",
        "pair_coeff * * model.pt NULL",
        "compute e all les/electrode",
    ]
    script = harness.setup(
        tmp_path, system, model(), kspace="pppm 1e-6", pair=commands, before_box=["boundary p p f"],
        after_pair=["kspace_modify slab 3.0"],
    )  # fmt: skip
    script += "thermo_style custom step pe c_e c_e[1][1] c_e[1][2] c_e[1][3] c_e[2][1] c_e[2][2]\n"
    script += "thermo_modify format float %.16g\nthermo 1\n"
    script += "fix 1 all ave/time 1 1 1 c_e[*] file charges.txt mode vector\nrun 1 post no\n"
    run = harness.run_lammps(script, tmp_path, ranks)
    charge = run.column("c_e[1][1]")
    expected = planar_charge(voltage, 81.0, distance, 1.0)
    assert charge[0] == pytest.approx(expected, rel=tol.PLANAR_CAPACITOR_RELATIVE)
    bias = 0.5 + 0.5 * ((run.column("Step") * 7.0) % 5.0)
    assert charge == pytest.approx(charge[0] * (bias + 1.5) / voltage, rel=1e-5)  # the variable acts at once
    np.testing.assert_allclose(run.column("c_e[2][1]"), -charge, atol=tol.TOTAL_CHARGE)
    assert (run.column("c_e[1][2]")[1], run.column("c_e[2][2]")[1]) == (1.5, -1.5)
    np.testing.assert_allclose(run.column("c_e[1][3]"), charge * bias)
    np.testing.assert_allclose(run.column("c_e"), charge * (bias + 1.5))
    np.testing.assert_allclose(run.column("PotEng"), -0.5 * run.column("c_e"), rtol=1e-4)
    assert math.isnan(capacitances(tmp_path / "charges.txt")[0])  # there is no matrix


def capacitances(file: Path) -> list[float]:
    """Column 4 of each electrode at the last step, e/V."""
    return [float(row.split()[4]) for row in file.read_text().splitlines()[-2:]]


CLASSICAL = System(
    ("C",) * 18 + ("Na", "Cl") * 2,
    np.vstack([WALLS, [[1.0, 2.0, 5.5], [5.0, 5.0, 6.0], [2.0, 5.5, 9.5], [5.5, 1.5, 10.6]]]),
    CELL.cell,
)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_against_fix_electrode(tmp_path, model, ranks):
    """Fixed charges and nothing else: LAMMPS's own constant potential method, whose ions are points, far enough to be the same."""
    path = model(sigma=0.5, alpha=0.0, amplitude=0.0, embedding=0.0, coulomb_constant=harness.QQRD2E["metal"])
    options = {
        "before_box": ["boundary p p f", "atom_modify map array"],
        "after_pair": ["kspace_modify slab 3.0"],
    }
    commands = pair("electrode left 1.5 electrode right -0.5")["pair"]
    found = harness.evaluate(
        tmp_path, CLASSICAL, path, kspace="ewald 1e-10", ranks=ranks, pair=commands, **options
    )
    stock = [
        *GROUPS, "group ions id > 18", "set type 2 charge -1.0", "set type 3 charge 1.0",
        "pair_style coul/long 12.0", "pair_coeff * *",
    ]  # fmt: skip
    conp = "fix conp left electrode/conp 1.5 2.0 couple right -0.5 symm on etypes 1"
    expected = harness.evaluate(
        tmp_path, CLASSICAL, path, kspace="ewald/electrode 1e-10", ranks=ranks, pair=stock,
        before_run=[conp], **options,
    )  # fmt: skip
    assert np.ptp(found.charges[:9]) > 1e-3, "nothing is tested: the walls do not see the ions"
    np.testing.assert_allclose(found.charges, expected.charges, rtol=0.0, atol=tol.STOCK_ELECTRODE.charge)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0.0, atol=tol.STOCK_ELECTRODE.force)


@pytest.mark.parametrize("types", ["NULL Cl Na", "Na Cl Na"], ids=["outside", "inside"])
def test_forces_are_derivatives_of_the_energy(tmp_path, model, types):
    solver = Solver("slab", EWALD.kspace, "kspace_modify slab 3.0", EWALD.force, EWALD.virial)
    check_forces(
        tmp_path, CELL, model(neutralize=types[0] == "N"), solver, [3, 20],
        before_box=["boundary p p f"], **pair(f"{TWO} masses any", types),
    )  # fmt: skip


def test_virial_in_the_plane(tmp_path, model):
    """Of a slab, whose box has no height."""
    solver = Solver("slab", EWALD.kspace, "kspace_modify slab 3.0", EWALD.force, EWALD.virial)
    check_virial(
        tmp_path, CELL, model(neutralize=True), solver, shear=False, normal=False, before_box=["boundary p p f"], **pair()
    )  # fmt: skip


def test_electrodes_in_a_field(tmp_path, model):
    """A field that makes up for the jump of the potential replaces the empty space of a slab (Dufils et al. 2019)."""
    path, height = model(), 40.0
    slab = reference(path, walls(), (True, True, False))
    dipole = float(slab.get_charges() @ CELL.positions[:, 2])
    field = -4.0 * np.pi * KE * dipole / (EDGE * EDGE * height)
    system = System(CELL.symbols, CELL.positions, np.diag([EDGE, EDGE, height]))
    commands = pair(f"{TWO} efield 0.0 0.0 {field:.17g}")
    found = harness.evaluate(tmp_path, system, path, **commands)
    np.testing.assert_allclose(found.charges, slab.get_charges(), rtol=0.0, atol=tol.ELECTRODE_CHARGE)
    np.testing.assert_allclose(found.forces, slab.get_forces(), rtol=0.0, atol=tol.EWALD.force)
    check_forces(tmp_path, system, path, EWALD, [20], **commands)


def dynamics(folder: Path, model: Path, fixed: bool, steps: int, ranks: int = 2) -> harness.Run:
    """Ions between walls that repel them, with the walls fixed or tied to their places."""
    commands = [
        *GROUPS,
        "group ions id > 18",
        "pair_style hybrid/overlay les electrode left 2.0 electrode right 0.0 lj/cut 3.143",
        "pair_modify pair lj/cut shift yes",
        "pair_coeff * * les model.pt NULL Cl Na",
        "pair_coeff 1 2*3 lj/cut 0.02 2.8",
        "pair_coeff 1 1 lj/cut 0.0 1.0",
        "pair_coeff 2*3 2*3 lj/cut 0.0 1.0",
        "compute e all les/electrode",
    ]
    script = harness.setup(
        folder, CELL, model, kspace="pppm 1e-5", pair=commands, before_box=["boundary p p f"],
        after_pair=["kspace_modify slab 3.0", "minimize 0 1e-2 10 100"],
    )  # fmt: skip
    moving = "ions" if fixed else "all"
    script += f"reset_timestep 0\nvelocity {moving} create 900 4711\nfix nve {moving} nve\n"
    script += (
        ""
        if fixed
        else "group walls union left right\nfix tether walls spring/self 5.0\nfix_modify tether energy yes\n"
    )
    script += "thermo_style custom step temp pe etotal c_e c_e[1][1]\nthermo_modify format float %.16g\n"
    script += f"thermo 10\nrun {steps}\n" + harness.DUMP
    return harness.run_lammps(script, folder, ranks, timeout=240)


def iterations(run: harness.Run) -> tuple[float, int]:
    """Mean iterations per step of the last run, and steps without any."""
    found = re.findall(r"electrodes took (\S+) iterations per step.*none on (\d+) of", run.output)
    return float(found[-1][0]), int(found[-1][1])


@pytest.mark.slow
def test_energy_is_conserved_at_constant_potential(tmp_path, model):
    """By fixed walls, whose matrix replaces iterations, and by moving ones; not without the response of learned charges."""
    ranges = {}
    for name, fixed, kind in (("fixed", True, False), ("moving", False, False), ("detached", True, True)):
        folder = tmp_path / name
        folder.mkdir()
        run = dynamics(folder, model(detached=kind), fixed, 100)
        assert np.ptp(run.column("c_e[1][1]")) > 0.01, "nothing is tested: the electrodes do not respond"
        ranges[name] = np.ptp(run.column("TotEng")) / len(CELL)
        assert (iterations(run)[1] > 50) == fixed
        if name == "fixed":
            assert "electrodes do not move: the matrix of their 18 charges" in run.output
            end = run.dump()[-1]
            atoms = Atoms(
                CELL.symbols, np.stack([end[axis] for axis in "xyz"], 1), cell=CELL.cell, pbc=(1, 1, 0)
            )
            atoms.calc = LESCalculator(model(), electrodes=walls(2.0, 0.0, 0.0))
            charges = end["q"] / harness.charge_unit(folder / "model.pt")
            np.testing.assert_allclose(charges, atoms.get_charges(), atol=tol.ELECTRODE_CHARGE_PPPM)
    assert ranges["fixed"] < tol.CONSERVED_ENERGY and ranges["moving"] < tol.CONSERVED_ENERGY
    assert ranges["detached"] > 20.0 * ranges["fixed"], "the comparison does not show what the term is for"


BAD = {
    "group": ("electrode nowhere 1.0", "there is no group nowhere; type 'group nowhere"),
    "overlap": ("electrode left 1.0 electrode all 0.0", "groups left and all have atoms in common"),
    "word": ("electrode left high", "has 'high' where a potential in V is wanted"),
    "words": ("electrode left", "needs a group and a potential in V"),
    "variable": ("electrode left v_none electrode right 0.0", "no equal-style variable none"),
    "hardness": ("electrode left 1.0 hardness -2", "hardness is '-2' but must be a number >= 0"),
    "neutral": ("electrode left 1.0 electrode right 0.0 neutral no", "a charged slab has no minimum"),
    "charges": ("electrode left charge 1.0 electrode right charge 1.0", "no neutral cell"),
    "no electrode": ("electrode left 1.0", "type 1 is NULL .* belong to no electrode"),
    "none": ("", "make its atoms an electrode as in 'pair_style les electrode wall 0.0'"),
}


@pytest.mark.parametrize("name", [*BAD, "empty", "slab", "kspace", "equilibration", "born"])
def test_refused(tmp_path, model, name):
    keywords, message = BAD.get(name, (TWO, ""))
    path, before_run, after_pair, kspace = model(neutralize=True), [], ["kspace_modify slab 3.0"], "pppm 1e-4"
    if name == "empty":
        keywords, message = (
            "electrode left 1.0 electrode right 0.0 electrode none 0.0",
            "the group has no atoms",
        )
        before_run = ["group none empty"]
    elif name == "slab":
        after_pair, message = [], "needs a fully periodic box|non-periodic boundaries"
    elif name == "kspace":
        after_pair, kspace, message = [], None, "needs a kspace style"
    elif name == "equilibration":
        path, message = model("equilibration"), "has charge equilibration; use a model with latent charges"
    elif name == "born":
        before_run, message = (
            ["compute b all les/born/atom"],
            "does not know how charges of electrodes change",
        )
        before_run += ["thermo_style custom step c_b[1][1]", "fix 1 all ave/atom 1 1 1 c_b[*]"][1:]
    script = harness.setup(
        tmp_path, CELL, path, kspace=kspace, before_box=["boundary p p f"], after_pair=after_pair, **pair(keywords)
    )  # fmt: skip
    run = harness.run_lammps(script + "\n".join([*before_run, "run 0", ""]), tmp_path, expect_error=True)
    assert_one_error_line(run, (message,))
