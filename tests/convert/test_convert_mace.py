# SPDX-License-Identifier: MIT
"""Small MACE models of random weights against MACE itself: in Python, and through LAMMPS cut at their layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from compare import assert_equal
from environments import run_with
from fresh_frames import frames
from harness import Evaluation, evaluate
from pair_les import LESCalculator
from pair_les.model_file import read_metadata
from systems import System
from tolerances import EWALD, SAME, SOURCE_FLOAT32, SOURCE_FLOAT64

FUSED = ("vectors", "tensors", "unscaled", "charges")
"""Models whose files have a fused form: degrees 0 to 2, learned densities, tables by pair of elements, padded channels."""
UNCHARGED = ("vectors", "tensors", "gated", "attention", "unscaled")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Folder that ``fresh_mace.py`` has filled."""
    folder = tmp_path_factory.mktemp("fresh")
    write(folder / "frames.xyz", frames(["H", "O", "Na"]))
    run = run_with("mace", Path(__file__).with_name("fresh_mace.py"), folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def compared(file: Path, answers: dict[str, np.ndarray], given: list[Atoms]) -> dict[str, float]:
    """Largest differences in eV/atom, eV/A, eV/A^3 and e."""
    calculator = LESCalculator(file)
    charged = calculator.metadata.long_range is not None
    worst = dict.fromkeys(("energy", "forces", "stress", "charges"), 0.0)
    first = 0
    for number, atoms in enumerate(given):
        atoms = atoms.copy()
        atoms.calc = calculator
        last = first + len(atoms)
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        found = {"energy": (energy - answers["energy"][number]) / len(atoms)}
        if charged:
            found["energy"] -= calculator.results["long_range_energy"] / len(atoms)
            found["charges"] = atoms.get_charges() - answers["charges"][first:last]
        else:
            found["forces"] = forces - answers["forces"][first:last]
            if atoms.pbc.all():
                found["stress"] = atoms.get_stress(voigt=False) - answers["stress"][number]
        for quantity, difference in found.items():
            worst[quantity] = max(worst[quantity], float(np.abs(difference).max()))
        first = last
    return worst


def test_frames_are_not_trivial(fresh):
    for name in UNCHARGED:
        assert np.abs(np.load(fresh / f"{name}.npz")["forces"]).max() > 1e-4, name


@pytest.mark.parametrize(
    ("name", "ending", "limits"),
    [
        *((name, "", SOURCE_FLOAT64) for name in (*UNCHARGED, "charges")),
        *((name, ".32", SOURCE_FLOAT32) for name in ("vectors", "charges")),
    ],
)
def test_equals_mace(fresh, name, ending, limits):
    worst = compared(
        fresh / f"{name}{ending}.pt", np.load(fresh / f"{name}.npz"), read(fresh / "frames.xyz", ":")
    )
    assert worst["energy"] <= limits.energy and worst["charges"] <= limits.charge, worst
    assert worst["forces"] <= limits.force and worst["stress"] <= limits.force, worst


@pytest.mark.parametrize("name", FUSED)
def test_fused_form_equals_the_layers(fresh, name, monkeypatch):
    """Both are what the file says; the comparison with MACE runs the fused one where there is one."""
    atoms = read(fresh / "frames.xyz", 0)
    results = []
    for wanted in ("1", "0"):
        monkeypatch.setenv("PAIR_LES_FUSED", wanted)
        atoms.calc = LESCalculator(fresh / f"{name}.pt")
        results.append((atoms.get_potential_energy() / len(atoms), atoms.get_forces()))
        script = str(atoms.calc.module.stages[0].inlined_graph)
        assert ("pair_les::convolution" in script) == (wanted == "1")
    (energy, forces), (plain_energy, plain_forces) = results
    assert abs(energy - plain_energy) <= SOURCE_FLOAT64.energy
    np.testing.assert_allclose(forces, plain_forces, rtol=0.0, atol=SOURCE_FLOAT64.force)


def test_forms_are_said(fresh):
    """Where there is no fused form, why; where there is one, how far it is from the layers."""
    for name in FUSED:
        said = (fresh / f"{name}.log").read_text()
        assert "fused operators against these layers: energy" in said, name
    for name, why in (
        ("gated", "RealAgnosticResidualNonLinearInteractionBlock has no fused form"),
        ("attention", "RealAgnosticAttResidualInteractionBlock has no fused form"),
    ):
        assert f"without fused operators: {why}" in (fresh / f"{name}.log").read_text(), name


def test_contract(fresh):
    metadata = read_metadata(fresh / "vectors.pt")
    assert metadata.species == ("Na", "O", "H") and metadata.cutoff == 3.5 and metadata.dtype == "float64"
    assert metadata.message_passing_layers == 2 and metadata.message_features == [16, 16]
    assert metadata.reference_energies == {"H": -13.6, "O": -2043.0, "Na": -70045.25}
    assert read_metadata(fresh / "tensors.pt").reference_energies == {
        "H": -1.0,
        "O": -2.0,
        "Na": -3.0,
    }  # head pbe
    assert read_metadata(fresh / "unscaled.pt").message_passing_layers == 0
    long_range = read_metadata(fresh / "charges.pt").long_range
    assert long_range.sigma == 1.2 and not long_range.self_interaction and not long_range.neutralize
    assert long_range.coulomb_constant == pytest.approx(14.3996, abs=1e-4)


def test_conversion_says_how_far_its_own_sum_is_from_ours(fresh):
    said = (fresh / "charges.log").read_text()
    assert "its own long-range sum ends at |k| = 3.142 1/A, ours is converged: they differ by" in said
    assert "TOO LARGE" not in said and "charges " in said and "layers " in said


def test_refused(fresh):
    lines = (fresh / "refused.log").read_text().splitlines()
    for says in (
        "LES setting use_dipole = True: only False can be converted",
        "a model of class EnergyDipolesMACE: only MACE, ScaleShiftMACE, MACELES can be converted",
        "--head cc: the model has pbe, Default",
        "--elements Cl: ",
        "interaction block of class NewInteractionBlock: only RealAgnosticInteractionBlock",
    ):
        assert any(says in line for line in lines), (says, lines)


def test_charged_forces_are_the_slope_of_the_energy(fresh):
    atoms = read(fresh / "frames.xyz", 0)
    atoms.calc = LESCalculator(fresh / "charges.pt")
    forces, step = atoms.get_forces(), 1e-3
    energies = []
    for shift in (-2, -1, 1, 2):
        moved = atoms.copy()
        moved.positions[4, 1] += shift * step
        moved.calc = atoms.calc
        energies.append(moved.get_potential_energy())
    slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
    assert abs(slope + forces[4, 1]) < 1e-6


def lammps_system(atoms: Atoms) -> System:
    return System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)


def reference_values(file: Path, atoms: Atoms) -> Evaluation:
    """By the ASE calculator, which the tests above compare with MACE."""
    atoms = atoms.copy()
    atoms.calc = LESCalculator(file)
    charged = atoms.calc.metadata.long_range is not None
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    return Evaluation(
        atoms.get_charges() if charged else np.zeros(len(atoms)),
        energy,
        forces,
        -atoms.get_stress()[[0, 1, 2, 5, 4, 3]] * atoms.get_volume(),
    )


@pytest.mark.parametrize(("ranks", "spread"), [(1, 1.0), (2, 1.0), (4, 3.0)])
def test_lammps_equals_python(fresh, tmp_path, ranks, spread):
    """Three layers cut; a type of pair_coeff that no atom has; with four ranks a box whose atoms leave one of them empty."""
    atoms = read(fresh / "frames.xyz", 0)
    atoms = atoms[[symbol != "Na" for symbol in atoms.get_chemical_symbols()]]
    atoms.cell[0] *= spread
    found = evaluate(
        tmp_path,
        lammps_system(atoms),
        fresh / "vectors.pt",
        ranks=ranks,
        kspace=None,
        types=("H", "Na", "O"),
        before_box=["processors * 1 1"] if ranks > 1 else [],
    )
    assert_equal(found, reference_values(fresh / "vectors.pt", atoms), SAME)


def test_lammps_with_charges(fresh, tmp_path):
    atoms = read(fresh / "frames.xyz", 0)
    found = evaluate(tmp_path, lammps_system(atoms), fresh / "charges.pt", ranks=2)
    assert_equal(found, reference_values(fresh / "charges.pt", atoms), EWALD)
