# SPDX-License-Identifier: MIT
"""Dipoles, quadrupoles, polarization and Born charges: reference vectors, finite differences, exact limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tolerances as tol
import torch
from analytic_models import write_model
from ase import Atoms
from pair_les.errors import GeometryError
from pair_les.model_file.metadata import ContractError
from pair_les.observables import observe, physical_charges, traceless
from shared_data import SHARED

ONE_ELEMENT_EACH = ("H", "He", "Li", "Be", "B", "C", "N", "O")  # q0 of the vectors belongs to the atom


def ions(pbc: object = True, seed: int = 0) -> Atoms:
    """12 jittered ions, 3 A apart, one Na too many; triclinic where periodic in three directions."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(range(2), range(2), range(3), indexing="ij"), axis=-1).reshape(-1, 3)
    symbols = ["Na" if triple.sum() % 2 == 0 else "Cl" for triple in grid]
    symbols[1] = "Na"
    cell = np.diag([6.2, 6.4, 9.3])
    if pbc is True:
        cell[1, 0], cell[2, 0], cell[2, 1] = 0.7, -0.9, 0.4
    return Atoms(symbols, 3.0 * grid + rng.uniform(-0.4, 0.4, grid.shape), cell=cell, pbc=pbc)


@pytest.fixture
def model(tmp_path: Path):
    def write(kind: str = "pair", **options: object) -> Path:
        write_model(tmp_path / "model.pt", kind, **options)
        return tmp_path / "model.pt"

    return write


def vectors() -> list[dict]:
    path = SHARED / "vectors" / "les_vectors.json"
    if not path.is_file():
        return []
    return [case for case in json.loads(path.read_text())["cases"] if "BEC" in case]


@pytest.mark.skipif(not vectors(), reason="no reference vectors: ../shared/vectors or PAIR_LES_SHARED")
@pytest.mark.parametrize("case", vectors(), ids=lambda case: case["name"])
@pytest.mark.parametrize("remove_mean", [True, False])
@pytest.mark.parametrize("eps", [1.0, 1.78])
def test_published_born_charges(model, case, remove_mean, eps):
    charges = case["q0"]
    path = model(
        species=list(ONE_ELEMENT_EACH[: len(charges)]),
        q0=charges,
        sigma=case["sigma"],
        neutralize=remove_mean,
        alpha=0.1,
    )
    atoms = Atoms(ONE_ELEMENT_EACH[: len(charges)], case["positions"], cell=case["cell"])
    atoms.pbc = case["cell"] is not None
    found = observe(path, atoms, eps=eps).born
    expected = np.array(case["BEC"][f"remove_mean={remove_mean},epsilon_factor={eps}"])
    assert np.abs(found - expected).max() < tol.VECTORS


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pair", "message_passing", "vanishing_charge"])
def test_isolated_born_charges_are_the_derivative_of_the_dipole(model, kind):
    atoms, path, step = ions(pbc=False), model(kind, neutralize=True), 1e-4
    found = observe(path, atoms).born
    expected = np.zeros_like(found)
    for atom in range(len(atoms)):
        for axis in range(3):
            moments = []
            for sign in (1.0, -1.0):
                moved = atoms.copy()
                moved.positions[atom, axis] += sign * step
                moments.append(observe(path, moved, born=False).dipole)
            expected[atom, :, axis] = (moments[0] - moments[1]) / (2.0 * step)  # [polarization, displacement]
    assert np.abs(found - expected).max() < tol.BORN


@pytest.mark.parametrize("total_charge", [None, 0.0, 1.0])
def test_periodic_born_charges_are_the_derivative_of_the_phase(model, total_charge):
    """``Z_i = Re[exp(-2 pi i s_ig) dP_g/dr_i] h_g``: the definition before it is made a sine."""
    atoms, path, step = ions(), model(), 1e-4
    found = observe(path, atoms, total_charge=total_charge).born
    cell = atoms.cell.array
    phases = np.exp(-2j * np.pi * atoms.positions @ np.linalg.inv(cell))  # [atom, g]
    for atom in (0, 5, 11):
        for axis in range(3):
            values = []
            for sign in (1.0, -1.0):
                moved = atoms.copy()
                moved.positions[atom, axis] += sign * step
                values.append(observe(path, moved, total_charge=total_charge, born=False).polarization)
            slope = (phases[atom] * (values[0] - values[1])).real / (2.0 * step)
            assert np.abs(found[atom, :, axis] - slope @ cell).max() < tol.BORN


def test_slab_is_isolated_along_its_normal_and_periodic_in_its_plane(model):
    """Along z as a cluster of the same atoms; in the plane as a periodic cell with room above."""
    path = model(neutralize=True, cutoff=4.0)
    slab = ions(pbc=(True, True, False))
    bulk = slab.copy()
    bulk.pbc, bulk.cell[2, 2] = True, 4000.0  # so large that the sine is its argument
    born = observe(path, slab).born
    np.testing.assert_allclose(born[:, :2], observe(path, bulk).born[:, :2], rtol=0.0, atol=tol.SYMMETRY)
    np.testing.assert_allclose(born[:, 2], observe(path, bulk).born[:, 2], rtol=0.0, atol=1e-4)
    assert observe(path, slab, born=False).polarization is None
    slab.cell[0, 2] = 1.0
    with pytest.raises(ValueError, match="leans over: make the direction that is not periodic a right angle"):
        observe(path, slab)


def test_born_charges_in_a_large_cell_are_those_of_the_cluster(model):
    path, cluster = model(neutralize=True, cutoff=4.0), ions(pbc=False)
    boxed = cluster.copy()
    boxed.set_cell(np.eye(3) * 5000.0)
    boxed.pbc = True
    assert np.abs(observe(path, boxed).born - observe(path, cluster).born).max() < 1e-4


def test_charge_neutral_systems_obey_the_acoustic_sum_rule(model):
    """Moving an isolated neutral system as a whole changes no dipole."""
    atoms = ions(pbc=False)
    assert np.abs(observe(model(neutralize=True), atoms).born.sum(axis=0)).max() < tol.SYMMETRY
    charged = observe(model(), atoms, total_charge=2.0).born.sum(axis=0)
    assert np.abs(charged - 2.0 * np.eye(3)).max() < tol.SYMMETRY


def test_fixed_charges_have_only_themselves(model):
    atoms = ions()
    seen = observe(model(alpha=0.0), atoms)
    assert np.array_equal(seen.born, seen.charges[:, None, None] * np.eye(3))


def test_moments_of_two_charges(model):
    """+-1 e, 20 A apart and so without environment, along the diagonal of x and z."""
    half = np.array([10.0, 0.0, 10.0]) / np.sqrt(2.0)
    seen = observe(model(), Atoms("NaCl", [half, -half]), eps=1.78)
    scale = np.sqrt(1.78)
    assert seen.charges == pytest.approx([scale, -scale])
    assert seen.dipole == pytest.approx(2.0 * scale * half)
    assert np.abs(seen.quadrupole).max() < tol.SYMMETRY  # equal and opposite charges at r and -r

    seen = observe(model(q0=[1.0, 1.0]), Atoms("NaCl", [half, -half]))
    np.testing.assert_allclose(seen.quadrupole, 2.0 * np.outer(half, half), atol=tol.SYMMETRY)
    left = traceless(torch.tensor(seen.quadrupole)).numpy()
    assert abs(np.trace(left)) < tol.SYMMETRY
    assert left[0, 2] == pytest.approx(100.0)


def test_polarization_of_a_small_dipole_is_its_dipole(model):
    """In a cell much larger than it, up to an imaginary part that only a net charge has."""
    atoms = Atoms("NaCl", [[1.0, 2.0, 3.0], [-9.0, 1.0, 5.0]], cell=np.eye(3) * 4000.0, pbc=True)
    seen = observe(model(), atoms)
    assert np.abs(4000.0 * seen.polarization.real - seen.dipole).max() < 1e-3
    assert np.abs(seen.dipole - [10.0, 1.0, -2.0]).max() < tol.SYMMETRY


def test_projection_on_a_total_charge(model):
    atoms = ions()
    free = observe(model(), atoms, born=False).charges
    bound = observe(model(), atoms, total_charge=-1.0, born=False).charges
    assert bound.sum() == pytest.approx(-1.0)
    assert np.ptp(bound - free) < tol.SYMMETRY
    assert abs(observe(model(neutralize=True), atoms, born=False).charges.sum()) < tol.SYMMETRY


def test_no_atoms_and_one_atom(model):
    assert observe(model(), Atoms()).born.shape == (0, 3, 3)
    alone = observe(model(), Atoms("Na", [[1.0, 2.0, 3.0]]))
    assert np.array_equal(alone.born, np.eye(3)[None])


def test_errors(model):
    with pytest.raises(ContractError, match=r"the model has no charges \(long_range null\)"):
        observe(model(sigma=None), ions())
    with pytest.raises(ValueError, match=r"eps is 0.5: must be >= 1, the electronic permittivity"):
        observe(model(), ions(), eps=0.5)
    with pytest.raises(ValueError, match="eps is nan"):
        physical_charges(torch.ones(2), float("nan"))


def test_atoms_at_one_place(model):
    """As the calculator and LAMMPS: charges are finite for most distances, and have no meaning."""
    atoms = Atoms("NaCl", [[0.0, 0.0, 0.0], [0.0005, 0.0, 0.0]])
    with pytest.raises(GeometryError, match=r"atoms (0 and 1|1 and 0) are 0.0005 A apart, less than the"):
        observe(model(), atoms)
