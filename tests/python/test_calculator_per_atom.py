# SPDX-License-Identifier: MIT
"""Energies and stresses of atoms add up to the totals; Born charges on request; vibrations and phonons of ASE.

tests/lammps/test_per_atom.py compares the shares with those of LAMMPS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances as tol
from analytic_models import write_model
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.optimize import BFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from pair_les import Electrode, LESCalculator
from pair_les.observables import observe
from tiny_frames import tiny_frames

MODELS: dict[str, dict[str, Any]] = {
    "no charges": {"sigma": None},
    "charges": {"self_interaction": True, "coulomb_constant": 14.3315},
    "neutralize": {"neutralize": True},
    "message passing": {"kind": "message_passing"},
    "equilibration": {"kind": "equilibration"},
}

Make = Callable[..., LESCalculator]


@pytest.fixture
def calculator(tmp_path: Path) -> Make:
    def make(kind: str = "pair", total_charge: float | None = None, **options: Any) -> LESCalculator:
        write_model(tmp_path / "model.pt", kind, **options)
        return LESCalculator(tmp_path / "model.pt", total_charge=total_charge)

    return make


@pytest.mark.parametrize(
    ("name", "total_charge"),
    [
        ("no charges", None),
        ("charges", 1.5),
        ("neutralize", None),
        ("message passing", None),
        ("equilibration", 1.5),
    ],
)
def test_shares_add_up(calculator: Make, name: str, total_charge: float | None) -> None:
    """Also of charged cells, where the potential and its derivative through the shift of the charges differ."""
    crystal, _, cluster = tiny_frames(3, labeled=False)
    slab = crystal.copy()
    slab.pbc = [True, True, False]
    calc = calculator(**MODELS[name], total_charge=total_charge)
    for atoms in [crystal, cluster] if name == "equilibration" else [crystal, cluster, slab]:
        atoms.calc = calc
        energies = atoms.get_potential_energies()
        assert energies.shape == (len(atoms),)
        assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=tol.SYMMETRY)
    stresses = crystal.get_stresses()
    assert stresses.shape == (len(crystal), 6)
    np.testing.assert_allclose(stresses.sum(0), crystal.get_stress(), atol=tol.SYMMETRY)
    assert np.abs(stresses.sum(0)).max() > 1e3 * tol.SYMMETRY
    with pytest.raises(PropertyNotImplementedError, match="^stresses needs a cell that is periodic in all"):
        cluster.get_stresses()


def test_they_are_computed_on_request_alone(calculator: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = tiny_frames(1, labeled=False)[0]
    atoms.calc = calculator()
    atoms.get_forces()
    assert not {"energies", "stresses", "born_charges"} & set(atoms.calc.results)
    forces = atoms.calc.results["forces"]
    born = atoms.calc.get_property("born_charges", atoms)
    atoms.get_stresses()
    assert atoms.calc.results["forces"] is forces, "the energy is not evaluated again"
    np.testing.assert_allclose(born, observe(atoms.calc.model_path, atoms).born, atol=tol.SYMMETRY)
    assert "born_charges" in atoms.calc.results
    atoms.positions[0] += 0.1
    atoms.get_forces()
    assert "born_charges" not in atoms.calc.results and "energies" not in atoms.calc.results
    atoms.calc = calculator(sigma=None)
    with pytest.raises(PropertyNotImplementedError):
        atoms.calc.get_property("born_charges", atoms)


def test_electrodes_have_no_shares(calculator: Make) -> None:
    atoms = tiny_frames(1, labeled=False)[0]
    electrodes = {
        "left": Electrode([0], potential=0.0, hardness=2.0),
        "right": Electrode([1], potential=1.0, hardness=2.0),
    }
    atoms.calc = LESCalculator(calculator().model_path, electrodes=electrodes)
    for name in ("energies", "born_charges"):
        with pytest.raises(PropertyNotImplementedError, match="not available beside electrodes"):
            atoms.calc.get_property(name, atoms)


def test_stresses_of_constant_charges_are_derivatives_of_the_energies(calculator: Make) -> None:
    """With pairs and charges alone the energy of a pair, and its virial, is shared by halves."""
    (atoms,) = tiny_frames(1, labeled=False)
    atoms.calc = calculator(alpha=0.0, embedding=0.0)
    virials, step = atoms.get_stresses() * atoms.get_volume(), 1e-4
    for column, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        strain = np.zeros((3, 3))
        strain[a, b] += 0.5
        strain[b, a] += 0.5
        energies = []
        for sign in (1, -1):
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ (np.eye(3) + sign * step * strain), scale_atoms=True)
            strained.calc = atoms.calc
            energies.append(strained.get_potential_energies())
        derivative = (energies[0] - energies[1]) / (2 * step)
        np.testing.assert_allclose(virials[:, column], derivative, atol=tol.FINITE_DIFFERENCE_STRAIN)


def test_vibrations_of_ase(calculator: Make, tmp_path: Path) -> None:
    """A dimer at rest: one frequency, from the second derivative of the energy, and none of translations."""
    atoms = Atoms("NaCl", [[0, 0, 0], [0, 0, 2.4]])
    atoms.calc = calculator()
    BFGS(atoms, logfile=None).run(fmax=1e-6)
    length, step = atoms.get_distance(0, 1), 1e-3

    def energy(distance: float) -> float:
        moved = atoms.copy()
        moved.set_distance(0, 1, distance)
        moved.calc = atoms.calc
        return moved.get_potential_energy()

    stiffness = (energy(length + step) - 2 * energy(length) + energy(length - step)) / step**2
    reduced_mass = 1.0 / (1.0 / atoms.get_masses()).sum()
    vibrations = Vibrations(atoms, name=str(tmp_path / "vibrations"), delta=0.002)
    vibrations.run()
    energies = np.abs(vibrations.get_energies())
    expected = units._hbar * 1e10 / np.sqrt(units._e * units._amu) * np.sqrt(stiffness / reduced_mass)
    assert energies[-1] == pytest.approx(expected, rel=1e-3)
    assert energies[:3].max() < 1e-3 * expected


def test_phonons_of_ase(calculator: Make, tmp_path: Path) -> None:
    """Displacements in a supercell: acoustic modes vanish at the center of the zone."""
    crystal = bulk("NaCl", "rocksalt", a=6.0)
    phonons = Phonons(crystal, calculator(), supercell=(2, 2, 2), delta=0.02, name=str(tmp_path / "phonons"))
    phonons.run()
    phonons.read(acoustic=True)
    squares = phonons.band_structure([[0, 0, 0], [0.3, 0.1, 0.2]])
    assert np.abs(squares[0]).min() < 1e-4 < np.abs(squares[1]).max()
