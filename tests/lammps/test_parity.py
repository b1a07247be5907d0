# SPDX-License-Identifier: MIT
"""LAMMPS against a direct float64 sum, reference vectors and the ASE calculator: charges, energy, forces, virial."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import harness
import numpy as np
import oracle
import pytest
import tolerances
from analytic_models import write_model
from compare import assert_equal
from shared_data import SHARED
from systems import System, random_fluid

ORTHOGONAL = np.diag([11.0, 10.0, 12.0])
TRICLINIC = np.array([[11.0, 0.0, 0.0], [2.0, 10.0, 0.0], [-1.5, 1.2, 12.0]])
SOLVER = {
    "ewald": ("ewald 1e-11", []),
    "pppm ik": ("pppm 1e-7", ["kspace_modify order 7 diff ik"]),
    "pppm ad": ("pppm 1e-7", ["kspace_modify order 7 diff ad"]),
}


@cache
def fluid(shape: str, charge: str) -> System:
    """48 ions; a neutral model has charges that depend on the surroundings, so its net charge is only nearly 0."""
    counts = {"neutral": {"Na": 24, "Cl": 24}, "charged": {"Na": 27, "Cl": 21}}[charge]
    return random_fluid(
        counts, {"orthogonal": ORTHOGONAL, "triclinic": TRICLINIC}[shape], seed=len(shape + charge)
    )


def check(
    tmp_path: Path, system: System, path: Path, solver: str, tolerance: tolerances.Tolerance, **options
) -> None:
    """Evaluate a system in LAMMPS and by the oracle, and compare."""
    kspace, modify = SOLVER[solver]
    found = harness.evaluate(tmp_path, system, path, kspace=kspace, after_pair=modify, **options)
    assert_equal(found, oracle.evaluate(path, system), tolerance)


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("charge", ["neutral", "charged"])
@pytest.mark.parametrize("shape", ["orthogonal", "triclinic"])
def test_ewald(tmp_path, model, shape, charge, ranks):
    check(tmp_path, fluid(shape, charge), model(), "ewald", tolerances.EWALD, ranks=ranks)


@pytest.mark.parametrize("charge, ranks", [("neutral", 2), ("charged", 1), ("charged", 2), ("charged", 4)])
@pytest.mark.parametrize("shape, solver", [("orthogonal", "ik"), ("orthogonal", "ad"), ("triclinic", "ik")])
def test_pppm(tmp_path, model, shape, solver, charge, ranks):
    check(tmp_path, fluid(shape, charge), model(), f"pppm {solver}", tolerances.PPPM, ranks=ranks)


@pytest.mark.parametrize(
    "option",
    [
        {"self_interaction": True},
        {"neutralize": True},
        {"self_interaction": True, "neutralize": True},
        {"coulomb_constant": 14.3315},
        {"coulomb_constant": 14.3315, "self_interaction": True},
        {"sigma": 1.5},
        {"sigma": 0.7},
    ],
    ids=lambda option: ",".join(f"{key}={value}" for key, value in option.items()),
)
def test_option_of_long_range(tmp_path, model, option):
    check(tmp_path, fluid("triclinic", "charged"), model(**option), "ewald", tolerances.EWALD, ranks=2)


def test_options_of_long_range_on_a_mesh(tmp_path, model):
    path = model(coulomb_constant=14.3315, self_interaction=True, neutralize=True)
    check(tmp_path, fluid("triclinic", "charged"), path, "pppm ik", tolerances.PPPM, ranks=2)


@pytest.mark.parametrize("ranks", [1, 2])
def test_neutral_by_projection(tmp_path, model, ranks):
    path = model(neutralize=True)
    found = harness.evaluate(tmp_path, fluid("orthogonal", "charged"), path, ranks=ranks)
    assert abs(found.charges.sum()) < tolerances.TOTAL_CHARGE
    assert_equal(found, oracle.evaluate(path, fluid("orthogonal", "charged")), tolerances.EWALD)


def test_units_real(tmp_path, model):
    check(
        tmp_path,
        fluid("triclinic", "charged"),
        model(coulomb_constant=14.3315, self_interaction=True),
        "ewald",
        tolerances.EWALD,
        ranks=2,
        units="real",
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_float32(tmp_path, model, ranks):
    path = model(dtype="float32")
    check(tmp_path, fluid("orthogonal", "charged"), path, "ewald", tolerances.FLOAT32, ranks=ranks)


def test_atom_style_full(tmp_path, model):
    check(tmp_path, fluid("orthogonal", "neutral"), model(), "ewald", tolerances.EWALD, ranks=2, style="full")


@pytest.mark.parametrize("ranks", [1, 2])
def test_short_range_model_needs_no_kspace(tmp_path, model, ranks):
    path, system = model(sigma=None), fluid("triclinic", "neutral")
    found = harness.evaluate(tmp_path, system, path, kspace=None, ranks=ranks)
    assert_equal(found, oracle.evaluate(path, system), tolerances.EWALD)


def test_short_range_model_in_atom_style_atomic(tmp_path, model):
    path, system = model(sigma=None), fluid("orthogonal", "neutral")
    script = harness.setup(tmp_path, system, path, kspace=None, style="atomic") + "run 0\n"
    energy = harness.run_lammps(script, tmp_path).column("PotEng")[-1]
    assert abs(energy - oracle.evaluate(path, system).energy) < len(system) * tolerances.EWALD.energy


def test_order_of_types_is_that_of_pair_coeff(tmp_path, model):
    system = fluid("orthogonal", "charged")
    assert system.types == ("Cl", "Na")
    found = harness.evaluate(tmp_path, system, model(), types=("Na", "Cl"))
    assert_equal(found, oracle.evaluate(model(), system), tolerances.EWALD)


@pytest.mark.parametrize("option", [{"self_interaction": True}, {"neutralize": True}], ids=str)
def test_latent_charge_and_potential_by_fix_pair(tmp_path, model, option):
    """In e and V whatever the unit style and the Coulomb constant, as the documentation promises."""
    path, system = model(coulomb_constant=14.3315, **option), fluid("triclinic", "charged")
    script = harness.setup(tmp_path, system, path, units="real")
    script += "fix latent all pair 1 les charge 0 potential 0\nrun 0\n"
    script += (
        "write_dump all custom latent.txt id f_latent[1] f_latent[2] modify sort id format float %.17g\n"
    )
    atoms = harness.run_lammps(script, tmp_path, ranks=2).dump("latent.txt")[-1]
    expected = oracle.evaluate(path, system)
    np.testing.assert_allclose(atoms["f_latent[1]"], expected.charges, rtol=0.0, atol=tolerances.EWALD.charge)
    np.testing.assert_allclose(atoms["f_latent[2]"], expected.potential, rtol=0.0, atol=tolerances.POTENTIAL)


def test_per_atom_energies_sum_to_the_energy(tmp_path, model):
    """With net charge, self-interaction and a foreign Coulomb constant, so that every correction takes part."""
    path = model(self_interaction=True, coulomb_constant=14.3315)
    script = harness.setup(tmp_path, fluid("triclinic", "charged"), path)
    script += "compute e all pe/atom\ncompute sum all reduce sum c_e\nthermo_style custom step pe c_sum vol\n"
    script += "thermo_modify format float %.16g\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    assert run.column("c_sum")[-1] == pytest.approx(run.column("PotEng")[-1], abs=tolerances.PER_ATOM_SUM)


def test_per_atom_stress_sums_to_the_virial(tmp_path, model):
    script = harness.setup(tmp_path, fluid("triclinic", "charged"), model(self_interaction=True))
    names = [f"c_sum[{component}]" for component in range(1, 7)]
    script += "compute s all stress/atom NULL virial\ncompute sum all reduce sum c_s[*]\n"
    script += f"thermo_style custom step vol {' '.join(harness.VIRIAL_COLUMNS)} {' '.join(names)}\n"
    script += "thermo_modify format float %.16g line one\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    summed = -np.array([run.column(name)[-1] for name in names]) / harness.PRESSURE_FACTOR["metal"]
    assert np.abs(summed - harness.virial(run)[-1]).max() < tolerances.PER_ATOM_SUM


# -- reference vectors -----------------------------------------------------------------------------------------------

ONE_ELEMENT_EACH = ("H", "He", "Li", "Be", "B", "C", "N", "O")  # q0 belongs to the atom


def vectors() -> list[dict]:
    """The cases that a LAMMPS Ewald sum can reproduce: cubic, converged or truncated where `kmax/ewald` truncates.

    A cubic 10 angstrom cell with dl = 2 keeps |n|^2 <= 25, which is LAMMPS's sphere for ``kmax/ewald 5 5 5``.
    """
    path = SHARED / "vectors" / "les_vectors.json"
    if not path.is_file():
        return []
    cases = json.loads(path.read_text())["cases"]
    return [case for case in cases if case["name"].startswith("cubic") and case["dl"] in (0.5, 2.0)]


@pytest.mark.skipif(not vectors(), reason="no reference vectors: ../shared/vectors or PAIR_LES_SHARED")
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    "case",
    vectors(),
    ids=lambda case: "{name}-dl{dl}-{norm_factor}-self{remove_self_interaction}".format(**case),
)
def test_reference_vectors(tmp_path, monkeypatch, case, ranks):
    charges = case.get("q0", case["charges"])
    path = tmp_path / "vector.pt"
    write_model(
        path,
        species=list(ONE_ELEMENT_EACH),
        q0=charges,
        e0=[0.0] * len(charges),
        alpha=0.1 if "q0" in case else 0.0,
        amplitude=0.0,
        embedding=0.0,
        sigma=case["sigma"],
        coulomb_constant=case["norm_factor"] / (2.0 * np.pi),
        self_interaction=not case["remove_self_interaction"],
    )
    system = System(ONE_ELEMENT_EACH, np.array(case["positions"]), np.array(case["cell"]))
    modify = ["kspace_modify kmax/ewald 5 5 5"] if case["dl"] == 2.0 else []
    found = harness.evaluate(
        tmp_path, system, path, ranks=ranks, kspace="ewald 1e-13", after_pair=modify, types=ONE_ELEMENT_EACH
    )
    if "dE_dstrain" in case:
        virial = -np.array(case["dE_dstrain"])[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    else:  # the vectors give none for charges that depend on positions: that of the oracle, truncated alike
        if case["dl"] == 2.0:
            k_max = 2.0 * np.pi * 5.001 / system.cell[0, 0]
            monkeypatch.setattr(oracle, "TRUNCATION", float(np.exp(-0.5 * (case["sigma"] * k_max) ** 2)))
        virial = oracle.evaluate(path, system).virial
    expected = harness.Evaluation(
        charges=np.array(case["charges"]),
        energy=case["energy"],
        forces=np.array(case["forces_total" if "q0" in case else "forces_fixed_q"]),
        virial=virial,
    )
    assert_equal(found, expected, tolerances.VECTORS_LAMMPS)


@pytest.mark.parametrize("shape", ["orthogonal", "triclinic"])
def test_oracle_equals_the_ase_calculator(model, shape):
    """The two Python references stand on separate code: they must agree before LAMMPS is asked."""
    from ase import Atoms
    from pair_les import LESCalculator

    system, path = fluid(shape, "charged"), model(self_interaction=True, neutralize=True)
    atoms = Atoms(system.symbols, system.positions, cell=system.cell, pbc=True)
    atoms.calc = LESCalculator(path)
    stress = atoms.get_stress(voigt=False)
    charges = atoms.get_charges()  # as the model gives them; LAMMPS and the oracle show them neutralized
    found = harness.Evaluation(
        charges=charges - charges.mean(),
        energy=atoms.get_potential_energy(),
        forces=atoms.get_forces(),
        virial=-system.volume * stress[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]],
    )
    assert_equal(found, oracle.evaluate(path, system), tolerances.SAME)


def test_lammps_equals_the_ase_calculator(tmp_path, model):
    from ase import Atoms
    from pair_les import LESCalculator

    system, path = fluid("triclinic", "charged"), model()
    found = harness.evaluate(tmp_path, system, path)
    atoms = Atoms(system.symbols, system.positions, cell=system.cell, pbc=True)
    atoms.calc = LESCalculator(path)
    assert np.abs(found.charges - atoms.get_charges()).max() < tolerances.EWALD.charge
    assert abs(found.energy - atoms.get_potential_energy()) < len(system) * tolerances.EWALD.energy
    assert np.abs(found.forces - atoms.get_forces()).max() < tolerances.EWALD.force
