# SPDX-License-Identifier: MIT
"""``pair_style les charge Q`` and ``efield``: energies, forces and virial of a field, with what charges do in it.

A field adds ``-sqrt(eps) E . sum q_i R_i`` with unwrapped R, for charges of constant sum. Its forces contain the change of the
charges; LAMMPS's own ``fix efield`` leaves that out, and energy is then not conserved.
"""

from __future__ import annotations

from dataclasses import replace

import harness
import numpy as np
import oracle
import pytest
import tolerances
import torch
from ase import Atoms
from compare import assert_equal
from pair_les import LESCalculator, load_model
from pair_les.evaluation.configuration import batch_of_configuration
from pair_les.evaluation.model_network import model_network, species_indices
from pair_les.evaluation.prediction import apply_network
from pair_les.observables import dipole, observe, project_charges
from systems import System, random_fluid, rock_salt

TRICLINIC = [[11.0, 0.0, 0.0], [1.5, 12.0, 0.0], [-2.0, 1.0, 13.0]]
FIELD = np.array([0.03, -0.05, 0.08])  # V/angstrom
E = "0.03 -0.05 0.08"


def fluid(shape: str = "triclinic", counts: dict[str, int] | None = None) -> System:
    cell = TRICLINIC if shape == "triclinic" else np.diag([11.0, 12.0, 13.0])
    return random_fluid(counts or {"Na": 13, "Cl": 11}, cell, seed=6)


def pair(keywords: str) -> list[str]:
    return [f"pair_style les {keywords}", "pair_coeff * * model.pt Cl Na"]


def with_field(path, system: System, total_charge: float, field: np.ndarray, eps: float = 1.0):
    """What LAMMPS must compute: the oracle for projected charges, and the field by autograd of its energy."""
    base = oracle.evaluate(path, system, total_charge=total_charge)
    module, metadata = load_model(path)
    species = species_indices(system.symbols, metadata, "model")
    batch = batch_of_configuration(species, system.positions, system.cell, True, metadata.cutoff)
    x = batch.positions.requires_grad_(True)
    _, charges = apply_network(model_network(module, metadata, "model"), batch, torch.float64)
    moment = dipole(project_charges(charges, total_charge), x)
    energy = -np.sqrt(eps) * (torch.tensor(field) * moment).sum()
    (gradient,) = torch.autograd.grad(energy, x)
    return replace(base, energy=base.energy + energy.item(), forces=base.forces - gradient.numpy())


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("total", [0.0, 1.0, -2.0])
def test_total_charge(tmp_path, model, ranks, total):
    """Charges, energy, forces and virial of charges that are shifted to a given sum; both q and phi are projected."""
    path, system = model(self_interaction=True), fluid()
    found = harness.evaluate(tmp_path, system, path, ranks=ranks, pair=pair(f"charge {total}"))
    assert found.charges.sum() == pytest.approx(total, abs=tolerances.TOTAL_CHARGE)
    assert_equal(found, oracle.evaluate(path, system, total_charge=total), tolerances.EWALD)


def test_total_charge_of_zero_is_neutralize(tmp_path, model):
    found = harness.evaluate(tmp_path, fluid(), model(), pair=pair("charge 0"))
    expected = oracle.evaluate(model(neutralize=True), fluid())
    assert_equal(found, expected, tolerances.EWALD)


def test_total_charge_in_split_mode_and_a_cluster(tmp_path, model):
    path, system = model(), fluid("orthogonal")
    expected = oracle.evaluate(path, system, total_charge=1.0)
    found = harness.evaluate(tmp_path, system, path, pair=pair("coul 9.0 charge 1"), kspace="ewald 1e-11")
    assert_equal(found, expected, tolerances.EWALD)

    atoms = Atoms(system.symbols, system.positions)
    atoms.calc = LESCalculator(path, total_charge=1.0)
    script = harness.setup(
        tmp_path, system, path, kspace=None, pair=pair("charge 1"), before_box=["boundary m m m"]
    )
    run = harness.run_lammps(script + "run 0\n" + harness.DUMP, tmp_path, ranks=2)
    assert run.column("PotEng")[-1] == pytest.approx(
        atoms.get_potential_energy(), abs=len(system) * tolerances.EWALD.energy
    )
    forces = np.stack([run.dump()[-1][name] for name in ("fx", "fy", "fz")], axis=-1)
    assert np.abs(forces - atoms.get_forces()).max() < tolerances.EWALD.force


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize(
    ("keywords", "total", "eps"), [("charge 0", 0.0, 1.0), ("charge 1 eps 1.78", 1.0, 1.78)]
)
def test_energy_and_forces_in_a_field(tmp_path, model, ranks, keywords, total, eps):
    path, system = model(), fluid()
    found = harness.evaluate(tmp_path, system, path, ranks=ranks, pair=pair(f"efield {E} {keywords}"))
    expected = with_field(path, system, total, FIELD, eps)
    # the virial in a field is tested by differences
    assert_equal(replace(found, virial=expected.virial), expected, tolerances.EWALD)


def test_units_real_and_hybrid(tmp_path, model):
    path, system = model(neutralize=True), fluid()
    expected = with_field(path, system, 0.0, FIELD)
    commands = [
        f"pair_style hybrid/overlay les efield {E} zero 3.0",
        "pair_coeff * * les model.pt Cl Na",
        "pair_coeff * * zero",
    ]
    found = harness.evaluate(tmp_path, system, path, ranks=2, units="real", pair=commands)
    assert_equal(replace(found, virial=expected.virial), expected, tolerances.EWALD)


def test_image_flags_count(tmp_path, model):
    """An atom of another image has another energy; its force stays that of its unwrapped place."""
    path, system = model(neutralize=True), fluid("orthogonal")
    far = system.positions + np.array([1, -2, 3]) * np.diag(system.cell) * (np.arange(24) == 5)[:, None]
    found = harness.evaluate(
        tmp_path,
        system,
        path,
        ranks=2,
        pair=pair(f"efield {E}"),
        before_run=["set atom 6 image 1 -2 3"],
    )
    expected = with_field(path, replace(system, positions=far), 0.0, FIELD)
    assert_equal(replace(found, virial=expected.virial), expected, tolerances.EWALD)


def test_forces_of_a_cluster_are_born_charges_times_field(tmp_path, model):
    path, system = model(neutralize=True), fluid("orthogonal")
    forces = []
    for keywords in ("", f"efield {E}"):
        script = harness.setup(
            tmp_path, system, path, kspace=None, pair=pair(keywords), before_box=["boundary f f f"]
        )
        run = harness.run_lammps(script + "run 0\n" + harness.DUMP, tmp_path, ranks=2)
        forces.append(np.stack([run.dump()[-1][name] for name in ("fx", "fy", "fz")], axis=-1))
    born = observe(path, Atoms(system.symbols, system.positions)).born
    assert np.abs(forces[1] - forces[0] - np.einsum("a,iab->ib", FIELD, born)).max() < tolerances.BORN_LAMMPS


def test_virial_by_differences(tmp_path, model):
    """Box and atoms strained by change_box; its tilts are strains of the upper triangle, r_a F_b with a >= b."""
    path, system, step = model(neutralize=True), fluid("orthogonal"), 1e-5
    box = ["change_box all triclinic"]
    script = harness.setup(tmp_path, system, path, pair=pair(f"efield {E}"), after_box=box) + "run 0\n"
    edges = dict(zip("xyz", np.diag(system.cell), strict=True))
    strains = ["x", "y", "z", "xy", "xz", "yz"]
    for strain in strains:
        for amount in (step, -2.0 * step, step):  # up, down, back
            grow = amount * edges[strain[-1]]
            ends = f"{-0.5 * grow:.17g} {0.5 * grow:.17g}" if len(strain) == 1 else f"{grow:.17g}"
            script += f"change_box all {strain} delta {ends} remap\nrun 0\n"
    run = harness.run_lammps(script, tmp_path, ranks=2)
    energies = np.array([run.column("PotEng", index)[-1] for index in range(1, len(run.thermo))]).reshape(
        6, 3
    )
    measured = -(energies[:, 0] - energies[:, 1]) / (2.0 * step)
    virial = harness.virial(run, index=0)[-1]
    assert np.abs(measured - virial).max() < len(system) * tolerances.DIFFERENCED_VIRIAL
    without = harness.evaluate(tmp_path, system, path, after_box=box).virial
    assert np.abs(virial - without).max() > 1e-2, "the field does nothing"


def test_variables(tmp_path, model):
    """A field that changes in time, by a variable that a compute feeds."""
    path, system = model(neutralize=True), fluid()
    script = harness.setup(
        tmp_path,
        system,
        path,
        kspace="ewald 1e-8",
        pair=[
            "variable ez equal 0.8*(step==2)",
            "variable ex equal 0.03*count(all)/24",
            *pair("efield v_ex -0.05 v_ez"),
        ],
    )
    script += "fix nve all nve\nthermo 1\nrun 2\n" + harness.DUMP
    run = harness.run_lammps(script, tmp_path, ranks=2)
    moved = np.stack([run.dump()[-1][name] for name in "xyz"], axis=-1)
    now, energy = replace(system, positions=moved), run.column("PotEng")[-1]
    assert energy == pytest.approx(with_field(path, now, 0.0, FIELD * [1, 1, 10]).energy, abs=1e-4)
    assert abs(energy - with_field(path, now, 0.0, FIELD * [1, 1, 0]).energy) > 1e-2


IONS = rock_salt((8, 8, 4), 2.9, seed=1)
TIMESTEP = 0.0005  # ps
EVERY = 20


def energies(folder, path, steps: int, pair_commands: list[str], fixes: str) -> tuple[float, float]:
    """Slope of the total energy (meV per atom and ps) and its range (meV per atom), without the first tenth."""
    folder.mkdir()
    script = harness.setup(folder, IONS, path, kspace="pppm 1e-5", pair=pair_commands)
    script += (
        f"velocity all create 1200 4711 mom yes\nfix nve all nve\n{fixes}\nthermo {EVERY}\nrun {steps}\n"
    )
    run = harness.run_lammps(script, folder, timeout=300)
    skip = steps // EVERY // 10
    energy = 1e3 * run.column("TotEng")[skip:] / len(IONS)
    return float(np.polyfit(TIMESTEP * run.column("Step")[skip:], energy, 1)[0]), float(np.ptp(energy))


def test_energy_in_a_field_is_conserved_only_with_the_change_of_the_charges(tmp_path, model):
    path, field = model(sigma=1.5, neutralize=True), "efield 0 0 0.1"
    drift, spread = energies(tmp_path / "full", path, 2000, pair(field), "")
    # what fix efield, which is refused, would do: the force q E without the change of the charges
    by_fix = """compute unwrapped all property/atom zu
variable force atom q*0.1
variable energy atom -q*0.1*c_unwrapped
fix field all addforce 0 0 v_force energy v_energy
fix_modify field energy yes"""
    fixed_drift, fixed_spread = energies(tmp_path / "fixed", path, 400, pair(""), by_fix)
    print(f"drift in a field, meV/atom/ps: {drift:.4f} by pair_style les, {fixed_drift:.4f} by fix addforce")
    print(
        f"range of the energy, meV/atom: {spread:.4f} by pair_style les, {fixed_spread:.4f} by fix addforce"
    )
    assert abs(drift) < tolerances.DRIFT
    assert fixed_spread > 50.0 * spread, "the comparison no longer shows what the term is for"


@pytest.mark.parametrize(
    ("keywords", "options", "message"),
    [
        ("charge", {}, "keyword charge needs the total charge in e; type 'pair_style les charge 0'"),
        ("efield 0 1", {}, "keyword efield needs three components in V/Angstrom"),
        ("efield 0 0 1 eps 0.5", {}, "pair_style les eps is 0.5 but must be >= 1"),
        (
            "efield 0 0 1",
            {},
            "efield needs charges with a constant sum, which model file 'model.pt' does not",
        ),
        ("efield 0 0 v_none", {"neutralize": True}, "there is no equal-style variable none; type"),
        (
            "charge 1",
            {"sigma": None},
            "charge needs a model with charges, but model file 'model.pt' has none",
        ),
    ],
)
def test_errors(tmp_path, model, keywords, options, message):
    kspace = None if options.get("sigma", 1.0) is None else "ewald 1e-6"
    script = harness.setup(tmp_path, fluid(), model(**options), pair=pair(keywords), kspace=kspace)
    run = harness.run_lammps(script + "run 0\n", tmp_path, ranks=2, expect_error=True)
    assert len(run.error_lines) == 1
    assert message in run.error_lines[0]
