# SPDX-License-Identifier: MIT
"""Charge equilibration in LAMMPS: charges by conjugate gradients on the kspace style, against dense solves; exact forces."""

from __future__ import annotations

import re
from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
from analytic_models import write_model
from compare import assert_equal
from error_lines import assert_one_error_line
from finite_differences import EWALD, PPPM, check_forces, check_virial
from pair_les.lammps.check import check
from systems import System, random_fluid, rock_salt

TRICLINIC = np.array([[11.0, 0.0, 0.0], [2.0, 10.0, 0.0], [-1.5, 1.2, 12.0]])
ORTHOGONAL = np.diag([11.0, 10.0, 12.0])
SMALL = random_fluid({"Na": 14, "Cl": 10}, [[8.0, 0, 0], [1.5, 8.5, 0], [-1.2, 0.9, 9.0]], 4, 2.1)
TIGHT = "qtol 1e-11"
IONS = rock_salt((6, 6, 4), 2.9, seed=1)


def fluid(cell: np.ndarray) -> System:
    return random_fluid({"Na": 24, "Cl": 24}, cell, seed=5)


def pair(keywords: str = TIGHT) -> dict[str, list[str]]:
    return {"pair": [f"pair_style les {keywords}", "pair_coeff * * model.pt Cl Na"]}


def iterations(run: harness.Run) -> list[tuple[float, int]]:
    """Mean and most iterations per step, of each run in the log."""
    found = re.findall(r"equilibration took (\S+) iterations per step, at most (\d+)", run.output)
    return [(float(mean), int(most)) for mean, most in found]


# ------------------------------------------------------------------------------------------------ dense solve


@pytest.mark.parametrize(
    "ranks, style", [(1, ""), (2, ""), (1, "coul 5.5"), (2, "coul 5.5"), (4, "coul 5.5")]
)
def test_against_a_dense_solve(tmp_path, model, style, ranks):
    path, system = model("equilibration"), fluid(TRICLINIC)
    found = harness.evaluate(tmp_path, system, path, ranks=ranks, **pair(f"{TIGHT} {style}"))
    assert np.abs(found.charges).max() > 0.3, "nothing is tested: there are no charges"
    assert_equal(found, oracle.evaluate(path, system), tolerances.EQUILIBRATED)


@pytest.mark.parametrize(
    "option",
    [
        {"self_interaction": True, "eta0": 4.0},
        {"sigma": 1.5, "eta0": 9.0},
        {"coulomb_constant": 14.3315},
        {"stiffening": 0.0, "alpha": 0.0},
    ],
    ids=lambda option: ",".join(f"{key}={value}" for key, value in option.items()),
)
def test_options(tmp_path, model, option):
    path, system = model("equilibration", **option), fluid(TRICLINIC)
    assert_equal(
        harness.evaluate(tmp_path, system, path, **pair()),
        oracle.evaluate(path, system),
        tolerances.EQUILIBRATED,
    )


@pytest.mark.parametrize("ranks, style", [(1, ""), (2, "coul 5.5")])
def test_charged_cell(tmp_path, model, style, ranks):
    path, system = model("equilibration"), fluid(TRICLINIC)
    found = harness.evaluate(tmp_path, system, path, ranks=ranks, **pair(f"{TIGHT} {style} charge 3"))
    assert abs(found.charges.sum() - 3.0) < tolerances.TOTAL_CHARGE
    assert_equal(found, oracle.evaluate(path, system, total_charge=3.0), tolerances.EQUILIBRATED)


@pytest.mark.parametrize("differentiation", ["ik", "ad"])
@pytest.mark.parametrize("style", ["", "coul 5.5"], ids=["matched", "split"])
def test_on_a_mesh(tmp_path, model, style, differentiation):
    """The charges minimize the energy of the mesh, which differs from the converged sum by the error of the mesh."""
    path, system = model("equilibration"), fluid(ORTHOGONAL)
    found = harness.evaluate(
        tmp_path,
        system,
        path,
        ranks=2,
        kspace="pppm 1e-7",
        after_pair=[f"kspace_modify order 7 diff {differentiation}"],
        **pair(f"{TIGHT} {style}"),
    )
    assert_equal(found, oracle.evaluate(path, system), tolerances.EQUILIBRATED_PPPM)


def test_units_real(tmp_path, model):
    path, system = model("equilibration", coulomb_constant=14.3315), fluid(TRICLINIC)
    found = harness.evaluate(tmp_path, system, path, units="real", ranks=2, **pair(f"{TIGHT} charge -1"))
    assert_equal(found, oracle.evaluate(path, system, total_charge=-1.0), tolerances.EQUILIBRATED)


def test_float32(tmp_path, model):
    path, system = model("equilibration", dtype="float32"), fluid(ORTHOGONAL)
    found = harness.evaluate(tmp_path, system, path, **pair())
    assert_equal(found, oracle.evaluate(path, system), tolerances.FLOAT32)


def test_ranks_without_atoms(tmp_path, model):
    """A slab of atoms in a tall box cut into four along z: two ranks have nothing, and take part."""
    cell = np.diag([9.0, 9.0, 40.0])
    system = random_fluid({"Na": 8, "Cl": 8}, np.diag([9.0, 9.0, 8.0]), seed=2, min_distance=2.0)
    system = System(system.symbols, system.positions, cell)
    path = model("equilibration")
    found = harness.evaluate(tmp_path, system, path, ranks=4, before_box=["processors 1 1 4"], **pair())
    assert_equal(found, oracle.evaluate(path, system), tolerances.EQUILIBRATED)


@pytest.mark.parametrize("ranks", [1, 2])
def test_isolated(tmp_path, model, ranks):
    """The direct sum against the calculator of this package, whose dense solve has tests of its own."""
    from ase import Atoms
    from pair_les import LESCalculator

    path, system = model("equilibration"), fluid(ORTHOGONAL)
    found = harness.evaluate(
        tmp_path,
        system,
        path,
        kspace=None,
        ranks=ranks,
        before_box=["boundary f f f"],
        **pair(f"{TIGHT} charge 1"),
    )
    atoms = Atoms(system.symbols, system.positions)
    atoms.calc = LESCalculator(path, total_charge=1.0)
    expected = tolerances.EQUILIBRATED
    np.testing.assert_allclose(found.charges, atoms.get_charges(), rtol=0.0, atol=expected.charge)
    np.testing.assert_allclose(found.forces, atoms.get_forces(), rtol=0.0, atol=expected.force)
    assert abs(found.energy - atoms.get_potential_energy()) < expected.energy * len(system)


# ----------------------------------------------------------------------------------------- derivatives, a field


@pytest.mark.parametrize("solver", [EWALD, PPPM], ids=lambda solver: solver.name)
@pytest.mark.parametrize("style", ["", "coul 5.0 charge 1"], ids=["matched", "split"])
def test_forces_are_derivatives(tmp_path, model, style, solver):
    check_forces(tmp_path, SMALL, model("equilibration"), solver, [0, 7], ranks=1, **pair(f"{TIGHT} {style}"))


@pytest.mark.parametrize("style", ["", "coul 5.0 charge 1"], ids=["matched", "split"])
def test_virial_is_the_derivative(tmp_path, model, style):
    check_virial(tmp_path, SMALL, model("equilibration"), EWALD, ranks=1, **pair(f"{TIGHT} {style}"))


def test_forces_in_a_field(tmp_path, model):
    """The field is a potential that the charges see."""
    keywords = f"{TIGHT} efield 0.02 -0.03 0.05"
    check_forces(tmp_path, SMALL, model("equilibration"), EWALD, [0, 7], ranks=1, **pair(keywords))


def test_forces_beside_another_pair_style(tmp_path, model):
    """Whatever forces there are already, those of the products are taken back."""
    styles = [f"pair_style hybrid/overlay zbl 2.0 3.5 les {TIGHT}", "pair_coeff * * les model.pt Cl Na"]
    styles += ["pair_coeff 1 1 zbl 17 17", "pair_coeff 1 2 zbl 17 11", "pair_coeff 2 2 zbl 11 11"]
    check_forces(tmp_path, SMALL, model("equilibration"), EWALD, [0, 7], ranks=1, pair=styles)


# ------------------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize("style, ranks", [("", 1), ("coul 6.0", 2)], ids=["matched", "split"])
def test_dynamics(tmp_path, model, style, ranks):
    """Energy is conserved, few iterations, and the last step is what a fresh start finds."""
    script = harness.setup(tmp_path, IONS, model("equilibration"), kspace="pppm 1e-5", **pair(style))
    script += "timestep 0.001\nvelocity all create 1200 4711 mom yes\nfix nve all nve\nthermo 10\n"
    script += "run 200\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks)
    energy = run.column("TotEng", 0) / len(IONS)
    assert run.column("Temp", 0).min() > 300.0, "too cold to test anything"
    assert np.ptp(energy[10:]) < tolerances.CONSERVED_ENERGY
    mean, most = iterations(run)[0]
    print(f"{mean} iterations per step, at most {most}")
    assert mean < 10.0
    assert (
        abs(run.column("PotEng", 1)[0] - run.column("PotEng", 0)[-1]) / len(IONS)
        < tolerances.DYNAMICS_PPPM.energy
    )


def final(run: harness.Run, system: System, path: Path) -> tuple[harness.Evaluation, oracle.Reference]:
    """What LAMMPS has at the end of a run, and the dense solve at the positions dumped there."""
    frame = run.dump()[-1]
    symbols = tuple(system.types[int(kind) - 1] for kind in frame["type"])
    positions = np.stack([frame[axis] for axis in "xyz"], axis=-1)
    return harness.evaluation(run), oracle.evaluate(path, System(symbols, positions, system.cell))


def test_charges_of_a_run_are_those_of_a_dense_solve(tmp_path, model):
    """After steps whose charges came from extrapolation, migration and rebuilt lists."""
    path, system = model("equilibration"), fluid(TRICLINIC)
    script = harness.setup(tmp_path, system, path, **pair(f"{TIGHT} coul 5.5"))
    script += (
        "velocity all create 2000 1 mom yes\nfix nve all nve\nneigh_modify every 1 delay 0 check no\nrun 12\n"
    )
    run = harness.run_lammps(script + harness.DUMP, tmp_path, ranks=2)
    assert_equal(*final(run, system, path), tolerances.EQUILIBRATED)


def test_minimize(tmp_path, model):
    """Steps of no common length, so that only the last charges are a start."""
    path, system = model("equilibration"), SMALL
    script = harness.setup(tmp_path, system, path, **pair(TIGHT))
    script += "minimize 0.0 1e-3 300 1000\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path)
    found, expected = final(run, system, path)
    assert np.linalg.norm(found.forces) < 1e-2, "not converged"
    assert run.column("PotEng")[-1] < run.column("PotEng")[0] - 1.0
    assert_equal(found, expected, tolerances.EQUILIBRATED)


@pytest.mark.parametrize("fix", ["npt temp 900 900 0.1 aniso 0 0 1", "nvt temp 900 900 0.1"])
def test_conserved_quantity(tmp_path, model, fix):
    """The virial of the barostat is the derivative, too; the mesh is made again as the box breathes."""
    script = harness.setup(tmp_path, IONS, model("equilibration"), kspace="pppm 1e-5", **pair("qtol 1e-7"))
    script += f"velocity all create 900 4711 mom yes\nfix md all {fix}\nthermo 10\n"
    script += "thermo_style custom step temp pe etotal econserve vol\nrun 150\n"
    run = harness.run_lammps(script, tmp_path)
    conserved = run.column("Econserve")[5:] / len(IONS)
    assert np.ptp(run.column("TotEng")[5:] / len(IONS)) > 3.0 * np.ptp(conserved), "nothing is tested"
    assert np.ptp(conserved) < 2.0 * tolerances.CONSERVED_ENERGY


def test_mesh_is_sized_for_the_charges_that_are_found(tmp_path, model):
    """At first there are none, and kspace accepts the coarsest mesh; charges and mesh then follow each other."""
    script = harness.setup(tmp_path, IONS, model("equilibration"), kspace="pppm 1e-5", **pair(TIGHT))
    run = harness.run_lammps(script + "run 0\nset group all charge 0.7\nrun 0\n", tmp_path)
    meshes = re.findall(r"pair_style les: mesh (\d+ \d+ \d+)", run.output)
    assert len(set(meshes[1:])) == 1 and meshes[-1] != "1 1 1", meshes
    assert abs(run.column("PotEng", 0)[-1] - run.column("PotEng", 1)[-1]) < 1e-6


def test_compute_pair(tmp_path, model):
    """Iterations, error and chemical potential, which is the derivative of the energy in the total charge."""
    path, step = model("equilibration"), 1e-3
    thermo = "compute qeq all pair les\nthermo_style custom step pe c_qeq[1] c_qeq[2] c_qeq[3]\n"
    thermo += "thermo_modify format float %.16g\n"
    energies = []
    for total in (1.0 - step, 1.0, 1.0 + step):
        script = harness.setup(tmp_path, SMALL, path, **pair(f"qtol 1e-9 charge {total}")) + thermo
        run = harness.run_lammps(script + "run 0\nrun 0\n", tmp_path)
        energies.append(run.column("PotEng")[-1])
        if total == 1.0:
            potential = run.column("c_qeq[3]")[-1]
            counts = run.column("c_qeq[1]", 0)[-1], run.column("c_qeq[1]", 1)[-1]
            assert 3 < counts[0] < 100 and counts[1] <= 1, counts
            assert 0.0 < run.column("c_qeq[2]")[-1] <= 1e-9
    assert abs((energies[2] - energies[0]) / (2.0 * step) - potential) < 1e-5


@pytest.mark.parametrize("ranks", [1, 2])
def test_restart(tmp_path, model, ranks):
    setup = harness.setup(tmp_path, SMALL, model("equilibration"), **pair("qtol 1e-10"))
    start = "velocity all create 900 4711 mom yes\nfix nve all nve\n"
    run = harness.run_lammps(setup + start + "run 5\nwrite_restart half\nrun 5\n", tmp_path, ranks)
    whole = run.column("PotEng")[-1]
    again = setup.replace("read_data system.data", "read_restart half")
    found = harness.run_lammps(again + "fix nve all nve\nrun 5\n", tmp_path, ranks)
    assert found.column("PotEng")[-1] == pytest.approx(whole, abs=tolerances.SAME_TRAJECTORY)


def test_another_model_in_the_same_input(tmp_path, model):
    """Equilibrated charges, charges of the network, equilibrated ones: each as if it were alone."""
    script = harness.setup(tmp_path, SMALL, model("equilibration"), **pair(TIGHT))
    write_model(tmp_path / "latent.pt")
    script += "run 1\npair_style les\npair_coeff * * latent.pt Cl Na\nrun 0\n"
    script += f"pair_style les {TIGHT}\npair_coeff * * model.pt Cl Na\nrun 0\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path)
    assert_equal(
        harness.evaluation(run), oracle.evaluate(tmp_path / "model.pt", SMALL), tolerances.EQUILIBRATED
    )


def test_check_takes_the_total_charge_from_the_dump(tmp_path, model):
    script = harness.setup(tmp_path, SMALL, model("equilibration"), **pair(f"{TIGHT} charge 2"))
    script += "dump 1 all custom 5 traj.dump id type x y z q fx fy fz\ndump_modify 1 format float %.15g\n"
    harness.run_lammps(script + "fix 1 all nve\ntimestep 1e-4\nrun 5\n", tmp_path)
    for result in check(tmp_path / "model.pt", tmp_path / "traj.dump", elements=["Cl", "Na"]):
        assert result.charge < 1e-8 and result.force_max < 1e-5


def test_slab(tmp_path, model):
    """Periodic in two directions only: the correction of the dipole is part of what the charges minimize."""
    system = random_fluid({"Na": 10, "Cl": 10}, np.diag([8.0, 8.5, 9.0]), seed=3, min_distance=2.1)
    system = System(system.symbols, system.positions, np.diag([8.0, 8.5, 14.0]))
    options = {"before_box": ["boundary p p f"], **pair(TIGHT)}
    solver = type(EWALD)("slab", "ewald 1e-11", "kspace_modify slab 3.0", EWALD.force, EWALD.virial)
    check_forces(tmp_path, system, model("equilibration"), solver, [0, 7], ranks=1, **options)


# ----------------------------------------------------------------------------------------------------- errors


def commands(keywords: str, kspace: str = "ewald 1e-9", **options: object) -> dict[str, object]:
    return {**pair(keywords), "kspace": kspace, **options}


ERRORS = {
    "qtol": (commands("qtol 0.0"), {}, ("qtol is 0", "must be > 0", "qtol 1e-6")),
    "qiter": (commands("qiter 0"), {}, ("qiter is 0", "must be > 0", "qiter 100")),
    "iterations": (
        commands("qiter 3"),
        {},
        ("charge equilibration", "after 3 iterations at step 0 instead of qtol 1e-06", "qiter 30"),
    ),
    "msm": (
        commands("coul 6.0 charge 0", kspace="msm 1e-4"),
        {},
        ("msm", "not been tested with charge equilibration", "kspace_style pppm 1.0e-5"),
    ),
    "hardness": (commands(""), {"eta0": 11.0, "stiffening": 0.0}, ("hardness is 11", "must be > 11.48")),
    "not finite": (
        commands(""),
        {"chi0": float("nan")},
        ("model.pt", "an electronegativity that is not finite at step 0"),
    ),
    "born": (
        commands("", after_pair=["compute born all les/born/atom", "dump 1 all custom 1 d c_born[1]"]),
        {},
        ("compute les/born/atom", "equilibrated charges"),
    ),
    "polarization": (
        commands("", after_pair=["compute p all les/polarization"]),
        {},
        ("compute les/polarization", "equilibrated charges"),
    ),
    "kind": (
        commands("qtol 1e-6"),
        None,
        ("qtol and qiter are for charge equilibration", "model.pt", "charges of its own", "remove them"),
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(tmp_path, name):
    options, model_options, pattern = ERRORS[name]
    write_model(tmp_path / "model.pt", *(["pair"] if model_options is None else ["equilibration"]))
    if model_options:
        write_model(tmp_path / "model.pt", "equilibration", **model_options)
    script = harness.setup(tmp_path, SMALL, tmp_path / "model.pt", **options) + "run 0\n"
    ranks = 2 if name in ("iterations", "hardness", "not finite") else 1  # these stop in the middle of a step
    run = harness.run_lammps(script, tmp_path, ranks, timeout=60, expect_error=True)
    assert_one_error_line(run, pattern)


@pytest.mark.parametrize(
    "change, pattern",
    [
        ({"long_range__charge_model": "qeq"}, ("charge_model", "'qeq'", "'latent' or 'equilibration'")),
        ({"long_range__neutralize": False}, ("neutralize", "false", "must be true")),
        ({"long_range__charge_model": None}, ("charge_model", "missing")),
    ],
)
def test_broken_metadata(tmp_path, change, pattern):
    def edit(metadata: dict) -> None:
        for name, value in change.items():
            section, key = name.split("__")
            metadata[section].update({key: value}) if value is not None else metadata[section].pop(key)

    write_model(tmp_path / "model.pt", "equilibration", edit_metadata=edit)
    script = harness.setup(tmp_path, SMALL, tmp_path / "model.pt") + "run 0\n"
    run = harness.run_lammps(script, tmp_path, 1, timeout=60, expect_error=True)
    assert_one_error_line(run, ("model.pt", *pattern))
