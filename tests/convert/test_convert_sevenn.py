# SPDX-License-Identifier: MIT
"""Small SevenNet checkpoints of random weights against SevenNet itself, and through LAMMPS cut at their layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write
from environments import run_with
from fresh_frames import frames
from harness import evaluate
from pair_les import LESCalculator
from pair_les.model_file import read_metadata
from systems import System
from tolerances import FLOAT32, SOURCE_FLOAT32


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Folder that ``fresh_sevenn.py`` has filled."""
    folder = tmp_path_factory.mktemp("fresh_sevenn")
    write(folder / "frames.xyz", frames(["H", "O", "Na"]))
    run = run_with("sevenn", Path(__file__).with_name("fresh_sevenn.py"), folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.mark.parametrize("name", ["nequip", "linear"])
def test_equals_sevennet(fresh, name):
    """SevenNet's own numbers are of float32: energies of isolated atoms of 2000 eV are rounded there, not here."""
    answers = np.load(fresh / f"{name}.npz")
    calculator = LESCalculator(fresh / f"{name}.pt")
    given = [frame for frame in read(fresh / "frames.xyz", ":") if len(frame) > 1]
    assert np.abs(answers["forces"]).max() > 1e-3
    first = 0
    for number, atoms in enumerate(given):
        atoms.calc = calculator
        last, energy = first + len(atoms), answers["energy"][number]
        rounding = SOURCE_FLOAT32.energy * max(1.0, abs(energy) / len(atoms))
        assert abs(atoms.get_potential_energy() - energy) / len(atoms) <= rounding
        np.testing.assert_allclose(
            atoms.get_forces(), answers["forces"][first:last], atol=SOURCE_FLOAT32.force
        )
        if atoms.pbc.all():
            stress = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(stress, answers["stress"][number], atol=SOURCE_FLOAT32.force)
        first = last


def test_contract(fresh):
    metadata = read_metadata(fresh / "nequip.pt")
    assert metadata.species == ("O", "Na", "H") and metadata.cutoff == 3.5 and metadata.dtype == "float32"
    assert metadata.message_passing_layers == 2 and len(metadata.message_features) == 2
    assert (
        metadata.reference_energies == {"O": -2043.0, "Na": -7.25, "H": -13.5} and metadata.long_range is None
    )


def test_lammps_on_two_ranks(fresh, tmp_path):
    atoms = read(fresh / "frames.xyz", 0)
    system = System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)
    found = evaluate(tmp_path, system, fresh / "nequip.pt", ranks=2, kspace=None)
    atoms.calc = LESCalculator(fresh / "nequip.pt")
    assert abs(found.energy - atoms.get_potential_energy()) / len(atoms) <= FLOAT32.energy
    np.testing.assert_allclose(found.forces, atoms.get_forces(), atol=FLOAT32.force)
