# SPDX-License-Identifier: MIT
"""Errors by element, by ``config_type`` and by frame, and predictions as extxyz."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
from pair_les.data import Frame, read_frames
from pair_les.evaluation.accuracy import Comparison
from pair_les.evaluation.breakdown import atom_symbols, breakdown, breakdown_lines, predictions_text
from pair_les.evaluation.figures import parity
from tiny_frames import tiny_frames


@pytest.fixture
def frames(tmp_path: Path) -> list[Frame]:
    """Two bulk frames and a cluster; the second has no forces."""
    written = tiny_frames(3)
    for atoms, kind in zip(written, ("bulk", "bulk", "cluster"), strict=True):
        atoms.info["config_type"] = kind
    ase.io.write(tmp_path / "a.xyz", written, format="extxyz")
    found = read_frames([tmp_path / "a.xyz"])
    return [found[0], replace(found[1], forces=np.full((8, 3), np.nan)), found[2]]


def comparison_of(frames: list[Frame]) -> Comparison:
    """Forces on Na are 0.1 eV/A too large in each component, on Cl 0.2; energies 1, 2, 3 meV/atom too high."""
    symbols = atom_symbols(frames)
    labels = np.concatenate([frame.forces for frame in frames])
    true = np.nan_to_num(labels)
    n_atoms = np.array([len(frame) for frame in frames])
    energies = np.array([frame.energy for frame in frames])
    stresses = np.array([frame.stress for frame in frames if frame.stress is not None])
    return Comparison(
        n_atoms,
        energies,
        energies + 1e-3 * n_atoms * [1.0, 2.0, 3.0],
        labels,
        true + np.where(symbols == "Na", 0.1, 0.2)[:, None],
        stresses,
        stresses,
    )


def test_tables_are_the_errors_of_their_parts(frames: list[Frame]) -> None:
    found = breakdown(comparison_of(frames), frames)
    assert found["by_element"]["Na"] == pytest.approx(
        {"n_atoms": 6, "forces_rmse": 100.0, "forces_mae": 100.0}
    )
    assert found["by_element"]["Cl"]["forces_rmse"] == pytest.approx(200.0)
    assert found["by_config_type"]["bulk"]["energy_rmse"] == pytest.approx(np.sqrt(2.5))
    assert found["by_config_type"]["cluster"]["energy_rmse"] == pytest.approx(3.0)
    worst = found["worst_frames"]
    assert [row["frame"] for row in worst] == [2, 0]  # more Cl in the cluster; the other frame has no forces
    assert worst[0]["energy_error"] == pytest.approx(3.0)
    lines = breakdown_lines(found)
    assert len(lines) == 6 and lines[-1].endswith("a.xyz, frame 0")


def test_predictions_are_written_beside_the_labels(frames: list[Frame]) -> None:
    comparison = comparison_of(frames)
    read = ase.io.read(io.StringIO(predictions_text(comparison, frames)), ":", format="extxyz")
    assert [atoms.info["predicted_energy"] for atoms in read] == pytest.approx(list(comparison.energy))
    np.testing.assert_allclose(
        np.concatenate([atoms.arrays["predicted_forces"] for atoms in read]), comparison.forces, atol=1e-7
    )
    assert read[0].get_potential_energy() == pytest.approx(frames[0].energy)
    assert ["predicted_stress" in atoms.info for atoms in read] == [True, True, False]


def test_parity_plots_have_an_element_each_color(frames: list[Frame], tmp_path: Path) -> None:
    parity(comparison_of(frames), tmp_path / "parity.png", "title", atom_symbols(frames))
    assert (tmp_path / "parity.png").stat().st_size > 10_000
