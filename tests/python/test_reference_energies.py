# SPDX-License-Identifier: MIT
"""Reference energies of all-electron size: training, export, evaluation and ASE lose no digit of energy differences."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest
import tolerances
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.api.calculator import LESCalculator
from pair_les.cli.inspect import inspect
from pair_les.data.reference_energies import total_reference_energy as frame_reference_energy
from pair_les.evaluation import evaluate as evaluate_one
from pair_les.evaluation.label_errors import evaluate
from pair_les.export import export
from pair_les.model_file import load_model, read_metadata
from pair_les.model_file.metadata import ContractError, LongRange, Metadata
from pair_les.model_file.reference_energies import atomic_reference_energies, total_reference_energy
from tiny_frames import tiny_config, tiny_frames

SHIFTS = {"none": {"Na": 0.0, "Cl": 0.0}, "thousands": {"Na": -8469.0, "Cl": -8469.0},
          "all-electron": {"Na": -525e3, "Cl": -13e3}}  # fmt: skip
"""eV per element."""


def shifted_frames(n_frames: int, seed: int, shift: dict[str, float]) -> list:
    """Labeled frames whose energies have a constant per element."""
    frames = tiny_frames(n_frames, seed)
    for atoms in frames:
        results = dict(atoms.calc.results)
        results["energy"] += sum(shift[symbol] for symbol in atoms.get_chemical_symbols())
        atoms.calc = SinglePointCalculator(atoms, **results)
    return frames


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """``trained(name)``: folder with the run, the float32 model and the test frames of a shift; each made once."""
    from pair_les.training.config_file import parse_config
    from pair_les.training.run import train

    @functools.cache
    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(f"shift-{name}")
        ase.io.write(folder / "train.xyz", shifted_frames(16, 0, SHIFTS[name]), format="extxyz")
        ase.io.write(folder / "test.xyz", shifted_frames(6, 1, SHIFTS[name]), format="extxyz")
        run = train(parse_config(tiny_config(folder, epochs=2), "tiny"))
        export(run, folder / "model.pt")
        return folder

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", ["thousands", "all-electron"])
def test_same_training_same_errors_same_energy_differences(trained, name: str) -> None:
    """`evaluate` and `LESCalculator` of a run on shifted labels against the run on the others, to 1e-8 eV/atom."""
    plain, shifted, shift = trained("none"), trained(name), SHIFTS[name]
    one = evaluate(plain / "model.pt", [plain / "test.xyz"])
    other = evaluate(shifted / "model.pt", [shifted / "test.xyz"])
    deviation = ((other.energy - other.energy_label) - (one.energy - one.energy_label)) / one.n_atoms
    np.testing.assert_allclose(deviation, 0.0, atol=tolerances.REFERENCE_ENERGY)
    np.testing.assert_allclose(other.forces, one.forces, atol=tolerances.FLOAT32.force)
    assert other.errors()["energy_rmse"] == pytest.approx(one.errors()["energy_rmse"], abs=1e-4)
    for atoms in tiny_frames(3, seed=2, labeled=False):
        constant = sum(shift[symbol] for symbol in atoms.get_chemical_symbols())
        found = [
            LESCalculator(folder / "model.pt").get_potential_energy(atoms) for folder in (plain, shifted)
        ]
        assert abs(found[1] - constant - found[0]) / len(atoms) < tolerances.REFERENCE_ENERGY


@pytest.mark.slow
def test_the_file_keeps_them_apart(trained) -> None:
    """The network returns interaction energies; the metadata has the rest, in float64, which `inspect` prints."""
    file = trained("all-electron") / "model.pt"
    metadata = read_metadata(file)
    checkpoint = torch.load(trained("all-electron") / "run/checkpoints/best.ckpt", weights_only=True)
    assert metadata.format_version == 3
    assert dict(metadata.reference_energies) == checkpoint["pair_les"]["reference_energies"]
    module, _ = load_model(file)
    lone = module(torch.tensor([0, 1]), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 3), 2)
    assert lone["energy"].abs().max() < 100.0
    assert f"Na {metadata.reference_energies['Na']:.6f}" in inspect(file)
    one = evaluate_one(module, metadata, [0, 1], [[0, 0, 0], [2.6, 0, 0]], np.zeros((3, 3)), False)
    parts = one.atomic_energies.sum() + one.long_range_energy
    assert one.energy == pytest.approx(parts, abs=1e-9)
    assert one.atomic_energies[0] < -500e3


@pytest.mark.slow
def test_a_committee_of_networks_with_other_reference_energies(trained, tmp_path: Path) -> None:
    """Energies of atoms are the means over the networks, whatever the reference energies of each are."""
    runs = [trained("none"), trained("thousands")]
    export([folder / "run" for folder in runs], tmp_path / "both.pt")
    files = [tmp_path / "both.pt", *(folder / "model.pt" for folder in runs)]
    positions, cell = [[0.0, 0.0, 0.0], [2.6, 0.0, 0.0]], np.zeros((3, 3))
    both, *alone = (evaluate_one(*load_model(file), [0, 1], positions, cell, False) for file in files)
    mean = np.mean([found.atomic_energies for found in alone], axis=0)
    assert np.abs(mean).min() > 4000.0
    np.testing.assert_allclose(both.atomic_energies, mean, rtol=0, atol=tolerances.FLOAT32.energy)


def test_old_files_have_their_energy_inside_and_new_ones_a_version_of_their_own() -> None:
    plain = Metadata(("O", "H"), 5.0, long_range=LongRange(1.0))
    assert plain.format_version == 1 and "reference_energies" not in plain.to_json()
    shifted = Metadata(("O", "H"), 5.0, reference_energies={"H": -13.6, "O": -2041.3})
    assert shifted.format_version == 3
    assert Metadata.from_json(shifted.to_json(), "m.pt") == shifted
    for version in (1, 2):
        text = json.dumps({**json.loads(shifted.to_json()), "format_version": version})
        with pytest.raises(ContractError, match="^m.pt: .*must be 3 where there are reference_energies$"):
            Metadata.from_json(text, "m.pt")
    species = np.array([1, 0, 1])
    assert atomic_reference_energies(shifted, species).tolist() == [-13.6, -2041.3, -13.6]
    assert total_reference_energy(shifted, species) == pytest.approx(-2068.5, abs=1e-12)
    assert total_reference_energy(plain, species) == 0.0


def test_the_sum_is_rounded_once() -> None:
    frame = SimpleNamespace(symbols=("Na", "Cl") * 2048)
    energies = {"Na": -8469.1, "Cl": -0.3}
    exact = 2048 * -8469.1 + 2048 * -0.3
    assert sum(energies[symbol] for symbol in frame.symbols) != exact  # what is avoided
    assert frame_reference_energy(frame, energies) == exact
