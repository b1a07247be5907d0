# SPDX-License-Identifier: MIT
"""Frames that repeat in two directions: their long-range energy is that of a slab in vacuum."""

from __future__ import annotations

from math import erf
from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data import Batch, build_graphs, collate, read_frames
from pair_les.errors import DataError
from pair_les.evaluation.prediction import predict
from pair_les.model_file.metadata import LongRange
from pair_les.training.config_file import parse_config
from pair_les.training.training_data import read_training_data
from tiny_frames import tiny_config
from tolerances import FINITE_DIFFERENCE_FORCE

CHARGES = {"Na": 0.7, "Cl": -0.7}
SETTINGS = LongRange(sigma=1.0)


def slab_atoms(normal: int = 2, height: float = 12.0) -> Atoms:
    """Four ions with a dipole along the normal, in an oblique lattice; the normal is one of x, y, z."""
    cell = np.array([[5.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.0, 0.0, height]])
    positions = [[0.2, 0.1, 0.0], [2.6, 0.4, 1.1], [0.5, 3.2, 2.9], [3.1, 3.4, 0.3]]
    atoms = Atoms("NaClClNa", positions=positions, cell=cell, pbc=(True, True, False))
    order = [(axis - normal + 2) % 3 for axis in range(3)]  # a rotation of the axes
    atoms.positions = atoms.positions[:, order]
    atoms.set_cell(cell[np.ix_(order, order)])
    atoms.pbc = np.arange(3) != normal
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((4, 3)))
    return atoms


def read(folder: Path, atoms: Atoms | list[Atoms]) -> Batch:
    ase.io.write(folder / "a.xyz", atoms, format="extxyz")
    return collate(build_graphs(read_frames([folder / "a.xyz"]), ["Na", "Cl"], 3.0))


def fixed_charges(species, edge_index, edge_vectors, n_atoms):
    """A network of charges alone."""
    charge = torch.tensor(list(CHARGES.values()), dtype=edge_vectors.dtype)[species]
    return 0.0 * charge, charge


def direct_sum(atoms: Atoms, reach: int) -> float:
    """Energy of the Gaussian charges with all images within `reach` lattice vectors of the slab, eV."""
    charges = [CHARGES[symbol] for symbol in atoms.get_chemical_symbols()]
    first, second = atoms.cell.array[np.asarray(atoms.pbc)]
    steps = np.arange(-reach, reach + 1)
    images = (steps[:, None, None] * first + steps[None, :, None] * second).reshape(-1, 3)
    images = images[np.linalg.norm(images, axis=1) <= reach * 4.5]
    energy = 0.0
    for i, q in enumerate(charges):
        for j, other in enumerate(charges):
            r = np.linalg.norm(images + atoms.positions[j] - atoms.positions[i], axis=1)
            r = r[r > 1e-9]
            near = r < 12.0  # erf is 1 beyond
            values = 1.0 / r
            values[near] *= [erf(x / np.sqrt(2.0)) for x in r[near]]
            energy += 0.5 * SETTINGS.coulomb_constant * q * other * float(values.sum())
    return energy


@pytest.mark.parametrize("normal", [0, 1, 2])
def test_energy_is_that_of_the_sum_over_images_in_the_plane(tmp_path: Path, normal: int) -> None:
    atoms = slab_atoms(normal)
    batch = read(tmp_path, atoms)
    assert batch.slab.all() and batch.periodic.all() and float(torch.linalg.det(batch.cell[0])) > 0
    found = float(predict(fixed_charges, SETTINGS, batch, torch.float64).energy)
    # what is left out beyond the reach R falls like 1 / R
    expected = 2.0 * direct_sum(atoms, 200) - direct_sum(atoms, 100)
    assert found == pytest.approx(expected, abs=2e-4)
    three_dimensional = slab_atoms(2)
    three_dimensional.pbc = True
    other = float(predict(fixed_charges, SETTINGS, read(tmp_path, three_dimensional), torch.float64).energy)
    assert abs(other - found) > 0.05  # the images of the dipole, without the slab term


def test_forces_are_derivatives(tmp_path: Path) -> None:
    """In a batch with an isolated frame, whose cell is zero; strain and training alike."""
    isolated = slab_atoms()
    isolated.pbc = False
    batch = read(tmp_path, [isolated, slab_atoms()])
    found = predict(fixed_charges, SETTINGS, batch, torch.float64, stress=True, training=True)
    assert found.forces.isfinite().all() and found.stress.isfinite().all()
    for atom, axis in ((4, 2), (6, 0), (2, 2)):
        energies = []
        for step in (1e-4, -1e-4):
            positions = batch.positions.clone()
            positions[atom, axis] += step
            moved = Batch(**{**batch.__dict__, "positions": positions})
            energies.append(float(predict(fixed_charges, SETTINGS, moved, torch.float64).energy.sum()))
        slope = -(energies[0] - energies[1]) / 2e-4
        assert float(found.forces[atom, axis]) == pytest.approx(slope, abs=FINITE_DIFFERENCE_FORCE)


def test_height_of_the_cell_and_origin_do_not_matter(tmp_path: Path) -> None:
    """Also with net charge, for which the term depends on the second moment, and with the mean charge taken off."""
    for settings in (SETTINGS, LongRange(sigma=1.0, neutralize=True)):
        energies = []
        for height, shift in ((12.0, 0.0), (0.0, 0.0), (40.0, 7.3)):
            atoms = slab_atoms(height=height)
            atoms.symbols[1] = "Na"
            atoms.positions[:, 2] += shift
            batch = read(tmp_path, atoms)
            energies.append(float(predict(fixed_charges, settings, batch, torch.float64).energy))
        assert energies == pytest.approx([energies[0]] * 3, abs=1e-8)


def test_charge_equilibration_is_refused(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "train.xyz", [slab_atoms()] * 4, format="extxyz")
    values = tiny_config(tmp_path)
    values["model"]["long_range"] = {"charge_model": "equilibration"}
    with pytest.raises(
        DataError, match=r"frame \d .*: a slab .* has no charge equilibration.*charge_model: latent"
    ):
        read_training_data(parse_config(values, "c.yaml"))
    values["model"]["long_range"] = {}
    assert read_training_data(parse_config(values, "c.yaml")).notes[0].endswith("3 slabs")
