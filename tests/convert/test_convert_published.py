# SPDX-License-Identifier: MIT
"""Published models: force errors on DFT frames as published, and MACE-LES water through LAMMPS's mesh on two ranks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase.io import read
from environments import run_with
from harness import evaluate
from pair_les import LESCalculator
from pair_les.convert import convert
from systems import System
from tolerances import FORCE_PPPM_1E5, PUBLISHED_DIPEPTIDE_FORCE, PUBLISHED_WATER_FORCE


def model_file(shared: Path, name: str) -> Path:
    """A published model; the test is skipped where it is absent."""
    found = sorted((shared / "models" / name).glob("*.*")) if (shared / "models" / name).is_dir() else []
    if not found:
        pytest.skip(f"no published model {shared / 'models' / name}: set PAIR_LES_SHARED")
    return found[0]


def convert_mace(source: Path, output: Path) -> None:
    run = run_with(
        "mace", "-m", "pair_les.convert", source, "-o", output, "--precision", "float64", "--trust-pickle"
    )
    assert run.returncode == 0, run.stdout + run.stderr


def rms_force_error(file: Path, frames: list, key: str | None) -> float:
    """meV/A."""
    calculator, squares = LESCalculator(file), []
    with torch.jit.optimized_execution(
        False
    ):  # frames of many sizes: compiling for each costs more than it saves
        for atoms in frames:
            expected = atoms.get_forces() if key is None else atoms.arrays[key]
            atoms.calc = calculator
            squares.append(((atoms.get_forces() - expected) ** 2).ravel())
    return 1000 * float(np.sqrt(np.concatenate(squares).mean()))


def test_mace_les_water(shared, tmp_path):
    """DFT frames as good as published; LAMMPS on two ranks within the accuracy of its mesh."""
    convert_mace(model_file(shared, "mace_les_water"), tmp_path / "water.pt")
    frames = read(shared / "data" / "water" / "frames.extxyz", "::14")
    assert rms_force_error(tmp_path / "water.pt", frames, None) < PUBLISHED_WATER_FORCE
    atoms = frames[0]  # with the calculator's results
    forces, charges = atoms.get_forces(), atoms.get_charges()
    system = System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)
    found = evaluate(tmp_path, system, tmp_path / "water.pt", ranks=2, kspace="pppm 1e-5", timeout=600.0)
    assert np.sqrt(np.mean((found.forces - forces) ** 2)) < FORCE_PPPM_1E5
    np.testing.assert_allclose(found.charges, charges, atol=1e-12)


def test_mace_les_dipeptides(shared, tmp_path):
    convert_mace(model_file(shared, "mace_les_dipeptides"), tmp_path / "model.pt")
    frames = read(shared / "data" / "dipeptides" / "valid.extxyz", "::6")
    assert (
        rms_force_error(tmp_path / "model.pt", frames, "force")
        < PUBLISHED_DIPEPTIDE_FORCE["mace_les_dipeptides"]
    )


def test_cace_les_dipeptides(shared, tmp_path):
    """Charges, too: their sign and size follow from forces and dipoles alone."""
    source = model_file(shared, "cace_les_dipeptides")
    convert(source, tmp_path / "model.pt", precision="float64", trust_pickle=True, say=lambda line: None)
    frames = read(shared / "data" / "dipeptides" / "valid.extxyz", "::9")
    expected = np.concatenate([np.ravel(atoms.calc.results["dipole"]) for atoms in frames])
    assert (
        rms_force_error(tmp_path / "model.pt", frames, "force")
        < PUBLISHED_DIPEPTIDE_FORCE["cace_les_dipeptides"]
    )
    found = np.concatenate([atoms.get_charges() @ atoms.positions for atoms in frames])
    assert np.corrcoef(found, expected)[0, 1] ** 2 > 0.9
