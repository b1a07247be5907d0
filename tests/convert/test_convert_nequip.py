# SPDX-License-Identifier: MIT
"""Small NequIP and Allegro models of random weights against NequIP itself: in Python, and through LAMMPS cut at their layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase.io import read, write
from compare import assert_equal
from environments import run_with
from fresh_frames import frames
from harness import Evaluation, evaluate
from pair_les import LESCalculator
from pair_les.model_file import read_metadata
from systems import System
from tolerances import SAME, SOURCE_FLOAT32, SOURCE_FLOAT64

MODELS = (
    "parity",
    "types",
    "types_package",
    "one_layer",
    "allegro",
    "allegro_package",
    "allegro_spline",
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Folder that ``fresh_nequip.py`` has filled."""
    folder = tmp_path_factory.mktemp("fresh_nequip")
    write(folder / "frames.xyz", frames(["H", "O", "Na"]))
    run = run_with("nequip", Path(__file__).with_name("fresh_nequip.py"), folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def answers_of(folder: Path, name: str) -> dict[str, np.ndarray]:
    """NequIP's own values of the first three frames."""
    return np.load(folder / f"{name.removesuffix('_package')}.npz")


@pytest.mark.parametrize(
    ("name", "limits"), [*((name, SOURCE_FLOAT64) for name in MODELS), ("single", SOURCE_FLOAT32)]
)
def test_equals_nequip(fresh, name, limits):
    answers, calculator = answers_of(fresh, name), LESCalculator(fresh / f"{name}.pt")
    assert np.abs(answers["forces"]).max() > 1e-2
    first = 0
    for number, atoms in enumerate(read(fresh / "frames.xyz", ":3")):
        atoms.calc = calculator
        last, energy = first + len(atoms), answers["energy"][number]
        assert abs(atoms.get_potential_energy() - energy) / len(atoms) <= limits.energy
        np.testing.assert_allclose(atoms.get_forces(), answers["forces"][first:last], atol=limits.force)
        if atoms.pbc.all():
            stress = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(stress, answers["stress"][number], atol=limits.force)
        first = last


@pytest.mark.parametrize("name", ["parity", "types", "allegro_spline"])
def test_isolated_atoms_have_the_shift_of_their_type(fresh, name):
    energies = {"H": -13.5, "Na": -7.25, "O": -2043.0}
    for atoms in read(fresh / "frames.xyz", "3:"):
        atoms.calc = LESCalculator(fresh / f"{name}.pt")
        expected = sum(energies[symbol] for symbol in atoms.get_chemical_symbols())
        assert atoms.get_potential_energy() == pytest.approx(expected, abs=SOURCE_FLOAT64.energy)
        assert np.abs(atoms.get_forces()).max() == 0.0


def test_contract(fresh):
    metadata = read_metadata(fresh / "parity.pt")
    assert metadata.species == ("O", "Na", "H") and metadata.cutoff == 3.5 and metadata.dtype == "float64"
    # 4x0e + 4x1o, then 4x0e + 4x1o + 4x1e: no product of these gives an odd scalar
    assert metadata.message_passing_layers == 2 and metadata.message_features == [16, 28]
    assert metadata.reference_energies == {"O": -2043.0, "Na": -7.25, "H": -13.5}
    assert read_metadata(fresh / "single.pt").dtype == "float32"
    local = read_metadata(fresh / "allegro_package.pt")
    assert local.message_passing_layers == 0 and not local.message_features and local.long_range is None


@pytest.mark.parametrize("name", ["parity", "allegro"])
def test_features_are_invariants(fresh, name):
    """What charges can be learned from: as many as announced, the same for rotated edges, none beyond the cutoff."""
    module = torch.jit.load(fresh / f"{name}.pt")
    rotation = torch.linalg.qr(
        torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    )[0]
    vectors = torch.tensor([[0.9, 0.1, 0.2], [-0.9, -0.1, -0.2]], dtype=torch.float64)
    species, edges = torch.tensor([0, 2]), torch.tensor([[0, 1], [1, 0]])
    features = module(species, edges, vectors, 2)["features"]
    assert features.shape == (2, module.n_features) and features.abs().max() > 1e-3
    torch.testing.assert_close(module(species, edges, vectors @ rotation, 2)["features"], features)
    alone = module(species, edges[:, :0], vectors[:0], 2)["features"]
    near_cutoff = module(species, edges, vectors * (3.4999 / vectors[0].norm()), 2)["features"]
    torch.testing.assert_close(near_cutoff, alone, rtol=0.0, atol=1e-6)


def test_refused(fresh):
    lines = (fresh / "refused.log").read_text().splitlines()
    for says in (
        "lennard_jones.ckpt: module pair_potential of class LennardJones is not known",
        "named_types.ckpt: its type water is no chemical symbol",
        "norms.ckpt: nonlinearity of class NormActivation: only Gate can be converted",
        "parity.ckpt: this pickle of nequip is a program that runs when it is loaded",
        "allegro.nequip.zip: this pickle of nequip is a program",
        "garbage.nequip.zip: truncated or damaged",
    ):
        assert any(says in line for line in lines), (says, lines)


@pytest.mark.parametrize(("name", "ranks"), [("parity", 1), ("parity", 2), ("allegro", 2)])
def test_lammps_equals_nequip(fresh, tmp_path, name, ranks):
    atoms, answers = read(fresh / "frames.xyz", 0), answers_of(fresh, name)
    stress = answers["stress"][0]
    virial = -atoms.get_volume() * stress[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    expected = Evaluation(
        np.zeros(len(atoms)), float(answers["energy"][0]), answers["forces"][: len(atoms)], virial
    )
    system = System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)
    found = evaluate(tmp_path, system, fresh / f"{name}.pt", ranks=ranks, kspace=None)
    assert_equal(found, expected, SAME)
