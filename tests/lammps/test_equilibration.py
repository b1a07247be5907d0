# SPDX-License-Identifier: MIT
"""Charge equilibration in LAMMPS: charges by conjugate gradients on the kspace style, against dense solves; exact forces."""

from __future__ import annotations

import re

import harness
import numpy as np
import oracle
import pytest
import tolerances
from compare import assert_equal
from systems import System, random_fluid, rock_salt
from test_finite_difference import EWALD, PPPM, check_forces, check_virial

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
    """The charges minimise the energy of the mesh, which differs from the converged sum by the error of the mesh."""
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
    check_forces(tmp_path, SMALL, model("equilibration"), EWALD, [0, 7], pair=styles)


# ------------------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize("style", ["", "coul 6.0"], ids=["matched", "split"])
def test_dynamics(tmp_path, model, style):
    """Energy is conserved, few iterations, and the last step is what a fresh start finds."""
    script = harness.setup(tmp_path, IONS, model("equilibration"), kspace="pppm 1e-5", **pair(style))
    script += "timestep 0.001\nvelocity all create 1200 4711 mom yes\nfix nve all nve\nthermo 10\n"
    script += "run 400\nwrite_data end.data\nrun 0\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path, ranks=2)
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
