# SPDX-License-Identifier: MIT
"""Electrodes in the ASE calculator: the planar capacitor, exact forces, given charges, and contradictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tolerances as tol
from ase import Atoms
from capacitors import ions_between, planar_charge, plate
from pair_les import Electrode, LESCalculator
from pair_les.errors import ElectrodeError

BOTTOM, TOP = 2.0, 14.0
LEFT, RIGHT = range(9), range(9, 18)


def cell(ions: int = 6, wall: str = "C", pbc: tuple[bool, bool, bool] = (True, True, False)) -> Atoms:
    """Two walls of nine atoms, twelve angstrom apart, with ions between them."""
    walls = np.vstack([plate(3, 2.5, BOTTOM), plate(3, 2.5, TOP)])
    between = ions_between(ions, 7.5, BOTTOM + 2.5, TOP - 2.5, seed=2)
    symbols = [wall] * 18 + ["Na", "Cl"] * (ions // 2)
    return Atoms(symbols, np.vstack([walls, between]), cell=[7.5, 7.5, 20.0], pbc=pbc)


def walls(left: float = 1.0, right: float = 0.0, hardness: float = 0.0) -> dict[str, Electrode]:
    return {
        "left": Electrode(LEFT, potential=left, hardness=hardness),
        "right": Electrode(RIGHT, potential=right),
    }


def assert_exact_forces(atoms: Atoms) -> None:
    """Fourth-order differences of the energy along random displacements of the walls and of the ions."""
    forces = atoms.get_forces()
    for moving in (np.arange(len(atoms)) < 18, np.arange(len(atoms)) >= 18):
        direction = np.random.default_rng(1).normal(size=forces.shape) * moving[:, None]
        direction /= np.linalg.norm(direction)

        def moved(step: float, direction: np.ndarray = direction) -> float:
            other = atoms.copy()
            other.positions += step * direction
            other.calc = atoms.calc
            return other.get_potential_energy()

        slope = (moved(-4e-3) - 8 * moved(-2e-3) + 8 * moved(2e-3) - moved(4e-3)) / (12 * 2e-3)
        assert abs(slope) > 1e-4, "nothing is tested: there is no force"
        assert np.sum(forces * direction) == pytest.approx(-slope, abs=tol.FINITE_DIFFERENCE_FORCE)


@pytest.mark.parametrize("self_interaction", [False, True])
@pytest.mark.parametrize("sigma", [1.0, 1.5])
def test_empty_capacitor(model: Callable[..., Path], sigma: float, self_interaction: bool) -> None:
    n, distance, voltage = 7, 12.0, 2.0
    spacing = 1.5 * sigma
    positions = np.vstack([plate(n, spacing, 1.0), plate(n, spacing, 1.0 + distance)])
    atoms = Atoms(
        ["C"] * 2 * n * n, positions, cell=[n * spacing, n * spacing, 20.0], pbc=(True, True, False)
    )
    electrodes = {
        "left": Electrode(range(n * n), potential=voltage + 0.3),
        "right": Electrode(range(n * n, 2 * n * n), potential=0.3),
    }
    atoms.calc = LESCalculator(model(sigma=sigma, self_interaction=self_interaction), electrodes=electrodes)
    energy = atoms.get_potential_energy()
    charge = atoms.calc.results["electrode_charges"]
    expected = planar_charge(voltage, (n * spacing) ** 2, distance, sigma)
    assert charge["left"] == pytest.approx(expected, rel=tol.PLANAR_CAPACITOR_RELATIVE)
    assert charge["right"] == pytest.approx(-charge["left"], abs=tol.TOTAL_CHARGE)
    # the battery supplies twice the energy that the capacitor stores
    assert energy == pytest.approx(-0.5 * charge["left"] * voltage, abs=tol.CONVERGED_SUM)
    assert atoms.calc.results["battery_energy"] == pytest.approx(charge["left"] * voltage)


@pytest.mark.parametrize(
    "options",
    [{}, {"neutralize": True}, {"self_interaction": True, "sigma": 1.3}, {"message_passing_layers": 1}],
    ids=["free", "neutralized", "self", "messages"],
)
@pytest.mark.parametrize("wall", ["C", "Na"], ids=["outside", "inside"])
def test_forces(model: Callable[..., Path], options: dict[str, object], wall: str) -> None:
    """Of ions whose charges depend on their surroundings, and of walls that the network sees, or not."""
    atoms = cell(wall=wall)
    atoms.calc = LESCalculator(model(**options), electrodes=walls(hardness=2.0))
    assert_exact_forces(atoms)
    charges = atoms.get_charges()
    assert abs(charges.sum()) < tol.TOTAL_CHARGE
    assert np.ptp(charges[:18]) > 0.01, "nothing is tested: the walls have no charges"


def test_periodic_cell(model: Callable[..., Path]) -> None:
    """Forces and stress in three periodic directions, where the charge of the electrodes may also be free."""
    for neutral in (True, False):
        atoms = cell(pbc=(True, True, True))
        atoms.calc = LESCalculator(model(), electrodes=walls(), neutral=neutral)
        assert_exact_forces(atoms)
        stress = atoms.get_stress(voigt=False)

        def strained(strain: float, atoms: Atoms = atoms) -> float:
            other = atoms.copy()
            other.set_cell(
                atoms.cell.array @ (np.eye(3) + strain * np.diag([1.0, 0.0, 0.0])), scale_atoms=True
            )
            other.calc = atoms.calc
            return other.get_potential_energy()

        h = 1e-4
        slope = (strained(-2 * h) - 8 * strained(-h) + 8 * strained(h) - strained(2 * h)) / (12 * h)
        assert stress[0, 0] * atoms.get_volume() == pytest.approx(slope, abs=tol.FINITE_DIFFERENCE_STRAIN)
        assert (abs(atoms.get_charges().sum()) < tol.TOTAL_CHARGE) == neutral


def test_isolated(model: Callable[..., Path]) -> None:
    atoms = cell(pbc=(False, False, False))
    atoms.calc = LESCalculator(model(), electrodes=walls(), neutral=False)
    assert_exact_forces(atoms)


def test_given_charge(model: Callable[..., Path]) -> None:
    """The charge that a potential causes, given, causes this potential; the energies differ by that of the battery."""
    atoms = cell()
    atoms.calc = LESCalculator(model(), electrodes=walls())
    charges = atoms.get_charges()
    given = float(charges[list(LEFT)].sum())
    both = {"left": Electrode(LEFT, charge=given), "right": Electrode(RIGHT, potential=0.0)}
    other = atoms.copy()
    other.calc = LESCalculator(model(), electrodes=both)
    np.testing.assert_allclose(other.get_charges(), charges, atol=tol.TOTAL_CHARGE)
    potentials = other.calc.results["electrode_potentials"]
    assert potentials["left"] == pytest.approx(1.0, abs=tol.CONVERGED_SUM)
    difference = other.get_potential_energy() - atoms.get_potential_energy()
    assert difference == pytest.approx(1.0 * given, abs=tol.CONVERGED_SUM)
    assert_exact_forces(other)


@pytest.mark.parametrize(
    ("electrodes", "neutral", "message"),
    [
        ({"left": Electrode([], potential=1.0)}, True, "'left' has no atoms"),
        ({"left": Electrode([99], potential=1.0)}, True, "has atom 99, but atoms are counted from 0 to 23"),
        (
            {"left": Electrode(LEFT, potential=1.0), "right": Electrode([8], potential=0.0)},
            True,
            "atom 8 belongs to electrodes 'left' and 'right'",
        ),
        (walls(), False, "a charged slab has no minimum"),
        (
            {"left": Electrode(LEFT, charge=1.0), "right": Electrode(RIGHT, charge=0.5)},
            True,
            "add up to 1.5 e",
        ),
        ({"left": Electrode(LEFT, potential=1.0)}, True, "atom 9 is in no electrode|element 'C'"),
    ],
)
def test_contradictions(
    model: Callable[..., Path], electrodes: dict[str, Electrode], neutral: bool, message: str
) -> None:
    atoms = cell()
    atoms.calc = LESCalculator(model(neutralize=True), electrodes=electrodes, neutral=neutral)
    with pytest.raises(ValueError, match=message):
        atoms.get_potential_energy()


def test_wrong_values(model: Callable[..., Path]) -> None:
    for options, message in (
        ({}, "give one of them"),
        ({"potential": 1.0, "charge": 0.0}, "give one of them"),
        ({"potential": float("nan")}, "must be a finite number"),
        ({"potential": 0.0, "hardness": -1.0}, "must be >= 0"),
    ):
        with pytest.raises(ElectrodeError, match=message):
            Electrode(LEFT, **options)
    atoms = cell()
    atoms.calc = LESCalculator(model("equilibration"), electrodes=walls())
    with pytest.raises(ElectrodeError, match="charge equilibration, but electrodes need"):
        atoms.get_potential_energy()
