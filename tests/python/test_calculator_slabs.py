# SPDX-License-Identifier: MIT
"""Cells that are periodic in some directions in the ASE calculator; test_slab_frames.py and tests/lammps have the energy of slabs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tolerances as tol
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from pair_les import LESCalculator
from pair_les.errors import GeometryError
from pair_les.observables import observe


def ions(normal: int) -> Atoms:
    """Twelve ions on a jittered grid that repeats in the plane with this normal: 0, 1 or 2 for x, y, z."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in (2, 2, 3)], indexing="ij"), axis=-1).reshape(-1, 3)
    positions = 3.4 * grid + np.random.default_rng(7).uniform(-0.4, 0.4, grid.shape)
    symbols = ["Na" if triple.sum() % 2 == 0 else "Cl" for triple in grid]
    return Atoms(symbols, positions, cell=[6.8, 6.8, 10.2], pbc=np.arange(3) != normal)


@pytest.mark.parametrize(
    "options", [{}, {"equilibration": True, "neutralize": True}], ids=["latent", "equilibrated"]
)
def test_periodic_in_one_direction(model: Callable[..., Path], options: dict[str, bool]) -> None:
    atoms = ions(2)
    atoms.pbc = (True, False, False)
    atoms.calc = LESCalculator(model(**options))
    message = (
        r"pbc is \[True, False, False\]: a model with long-range charges needs three directions periodic, two"
    )
    with pytest.raises(GeometryError, match=message):
        atoms.get_potential_energy()
    atoms.calc = LESCalculator(model(sigma=None))  # a short-range model has no such limit
    assert abs(atoms.get_forces().sum()) < tol.SYMMETRY


def test_charge_equilibration_of_slabs_is_refused(model: Callable[..., Path]) -> None:
    """In observations, too: charges of an isolated system with periodic neighbors would be those of nothing."""
    path = model(equilibration=True, neutralize=True)
    atoms = ions(2)
    atoms.calc = LESCalculator(path)
    for ask in (atoms.get_potential_energy, lambda: observe(path, atoms)):
        with pytest.raises(
            GeometryError, match=r"pbc is \[True, True, False\]: charge equilibration of slabs"
        ):
            ask()


@pytest.mark.parametrize("normal", [0, 1, 2])
def test_slab(model: Callable[..., Path], normal: int) -> None:
    """Forces are derivatives; the length of the cell along the normal and a shift along it do not matter; no stress, no dipole."""
    atoms = ions(normal)
    atoms.calc = LESCalculator(model())
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    for atom, axis in ((0, normal), (3, (normal + 1) % 3)):

        def moved(step: float, atom: int = atom, axis: int = axis) -> float:
            other = atoms.copy()
            other.positions[atom, axis] += step
            other.calc = atoms.calc
            return other.get_potential_energy()

        slope = (moved(-4e-3) - 8 * moved(-2e-3) + 8 * moved(2e-3) - moved(4e-3)) / (12 * 2e-3)
        assert forces[atom, axis] == pytest.approx(-slope, abs=tol.SLAB_VACUUM.force)
    other = atoms.copy()
    other.cell[normal] *= 1.7
    other.positions[:, normal] += 5.0
    other.calc = atoms.calc
    assert other.get_potential_energy() == pytest.approx(energy, abs=tol.SAME.energy)
    for ask in (atoms.get_stress, atoms.get_dipole_moment):
        with pytest.raises(PropertyNotImplementedError, match="needs a"):
            ask()
    atoms.pbc = True
    assert abs(atoms.get_potential_energy() - energy) > 0.01
