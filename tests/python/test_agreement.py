# SPDX-License-Identifier: MIT
"""Labels of dipoles, quadrupoles, Born charges and charges: read, compared, reported by ``pair-les evaluate``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from analytic_models import write_model
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from pair_les.data.response_labels import ResponseKeys, read_response_labels
from pair_les.errors import DataError
from pair_les.observables import observe
from pair_les.observables.agreement import LabelAgreement, agreement_errors, compare_charges

EPS = 1.5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """model.pt, and frames.xyz labeled by it: physical values for EPS, all charges turned over."""
    write_model(tmp_path / "model.pt", neutralize=True)
    rng = np.random.default_rng(3)
    frames = []
    for number in range(4):
        grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)], dtype=float)
        atoms = Atoms("NaClClNaClNaNaCl", 2.9 * grid + rng.uniform(-0.3, 0.3, grid.shape))
        if number == 3:
            atoms.set_cell(np.eye(3) * 6.0)
            atoms.pbc = True
        seen = observe(tmp_path / "model.pt", atoms, eps=EPS)
        atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.zeros((8, 3)))
        atoms.info["dipole"] = -seen.dipole
        atoms.info["quadrupole"] = -seen.quadrupole + 7.0 * np.eye(3)  # a trace that nobody sees
        if number != 1:
            atoms.arrays["BEC"] = -seen.born.transpose(0, 2, 1).reshape(8, 9)  # displacement first
        atoms.arrays["mulliken"] = -seen.charges
        frames.append(atoms)
    ase.io.write(tmp_path / "frames.xyz", frames, format="extxyz")
    return tmp_path


def test_labels_made_by_the_model_agree_with_it(folder):
    keys = ResponseKeys(charges="mulliken")
    found = compare_charges(folder / "model.pt", [folder / "frames.xyz"], keys, eps=EPS)
    assert sorted(found) == ["bec", "charges", "dipole", "quadrupole"]
    sizes = {name: len(pair.label) for name, pair in found.items()}
    assert sizes == {
        "charges": 32,
        "bec": 3 * 72,
        "dipole": 9,
        "quadrupole": 27,
    }  # moments of isolated frames
    for name, value in agreement_errors(found).items():
        expected = 0.0 if name.endswith("rmse") else 1.0
        assert value == pytest.approx(expected, abs=1e-6), name


def test_latent_charges_agree_up_to_the_square_root_of_eps(folder):
    found = compare_charges(folder / "model.pt", [folder / "frames.xyz"])
    assert "charges" not in found
    for pair in found.values():
        assert pair.scale == pytest.approx(np.sqrt(EPS), abs=1e-6)
        assert pair.r2(pair.scale) == pytest.approx(1.0, abs=1e-6)
        assert pair.r2() < 0.999


def test_the_other_index_order_is_worse(folder):
    model, data = folder / "model.pt", [folder / "frames.xyz"]
    wrong = compare_charges(model, data, eps=EPS, displacement_first=False)["bec"]
    assert wrong.rmse > 1e-3


def test_measures_of_agreement():
    pair = LabelAgreement(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    assert pair.rmse == pytest.approx(np.sqrt(2.0 / 3.0))
    assert pair.r2() == pytest.approx(0.0)
    assert pair.scale == pytest.approx(1.0)
    assert np.isnan(LabelAgreement(np.ones(2), np.ones(2)).r2())
    assert np.isnan(LabelAgreement(np.ones(2), np.ones(2)).r2_pearson)


def test_squared_correlation_leaves_out_factor_and_offset():
    rng = np.random.default_rng(5)
    label, noise = rng.normal(size=(2, 50))
    pair = LabelAgreement(label, label + 0.3 * noise)
    expected = np.corrcoef(pair.label, pair.prediction)[0, 1] ** 2
    assert pair.r2_pearson == pytest.approx(expected, abs=1e-12)
    moved = LabelAgreement(label, 0.4 - 3.0 * pair.prediction)
    assert moved.r2_pearson == pytest.approx(expected, abs=1e-12)
    best = np.polyfit(pair.prediction, label, 1)
    assert expected == pytest.approx(LabelAgreement(label, np.polyval(best, pair.prediction)).r2(), abs=1e-12)


def test_models_and_data_without_charges(folder):
    write_model(folder / "short.pt", sigma=None)
    assert compare_charges(folder / "short.pt", [folder / "frames.xyz"]) == {}
    ase.io.write(folder / "bare.xyz", Atoms("Na", [[0.0, 0.0, 0.0]]), format="extxyz")
    assert compare_charges(folder / "model.pt", [folder / "bare.xyz"]) == {}


def test_errors_name_file_frame_and_label(folder):
    with pytest.raises(DataError, match=r"frames\.xyz: no frame has a charges label 'hirshfeld'"):
        read_response_labels([folder / "frames.xyz"], ResponseKeys(charges="hirshfeld"))
    with pytest.raises(
        DataError, match=r"frame 0 .*: dipole label 'quadrupole' has shape \[.*\], must be \[3\]"
    ):
        read_response_labels([folder / "frames.xyz"], ResponseKeys(dipole="quadrupole"))


def test_command(folder, capsys, monkeypatch):
    from pair_les.cli.app import main

    arguments = ["evaluate", "model.pt", "frames.xyz", "--keys", "charges=mulliken", "--eps", str(EPS)]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["pair-les", *arguments, "--json", "out.json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    printed, written = capsys.readouterr().out, json.loads((folder / "out.json").read_text())
    assert written["bec_r2"] == pytest.approx(1.0, abs=1e-6)
    assert written["charges_rmse"] == pytest.approx(0.0, abs=1e-6)
    assert "quadrupole_rmse" in printed and "e A^2" in printed
