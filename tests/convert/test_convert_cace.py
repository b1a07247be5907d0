# SPDX-License-Identifier: MIT
"""CACE files, read without their package: against the formulas of the papers, and what is refused."""

from __future__ import annotations

import fake_cace
import numpy as np
import pytest
import torch
from ase import Atoms
from pair_les import LESCalculator
from pair_les.convert import convert
from pair_les.errors import ConversionError
from pair_les.model_file import read_metadata
from tolerances import SOURCE_FLOAT64

CLUSTER = Atoms(
    "OHHOH", [[0.0, 0.1, 0.0], [0.9, 0.2, -0.1], [-0.3, 0.9, 0.2], [1.9, -1.4, 0.6], [6.0, 0.0, 0.0]]
)


@pytest.mark.parametrize("max_nu", [2, 3])
def test_equals_the_formulas(tmp_path, max_nu):
    said: list[str] = []
    model = fake_cace.write(tmp_path / "a.pth", max_nu)
    convert(tmp_path / "a.pth", tmp_path / "a.pt", elements=["O", "H"], trust_pickle=True, say=said.append)
    energy, charges = fake_cace.formulas(model, CLUSTER)
    atoms = CLUSTER.copy()
    atoms.calc = LESCalculator(tmp_path / "a.pt")
    found = atoms.get_potential_energy() - atoms.calc.results["long_range_energy"]
    assert abs(found - energy) <= SOURCE_FLOAT64.energy * max(1.0, abs(energy))
    np.testing.assert_allclose(atoms.get_charges(), charges, rtol=1e-10, atol=SOURCE_FLOAT64.charge)
    metadata = read_metadata(tmp_path / "a.pt")
    assert metadata.species == ("O", "H") and metadata.message_features == [8] and metadata.dtype == "float64"
    assert any("not compared with its own package" in line for line in said)
    assert any("no energies of isolated atoms" in line for line in said)


def test_features_are_smooth_invariants(tmp_path):
    """What charges can be learned from: as many as announced, the same for a rotated cluster."""
    fake_cace.write(tmp_path / "a.pth", 2)
    convert(
        tmp_path / "a.pth", tmp_path / "a.pt", elements=["O", "H"], trust_pickle=True, say=lambda line: None
    )
    module = torch.jit.load(tmp_path / "a.pt")
    rotation = torch.linalg.qr(
        torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    )[0]
    vectors = torch.tensor([[0.9, 0.1, 0.2], [-0.9, -0.1, -0.2]], dtype=torch.float64)
    species, edges = torch.tensor([0, 1]), torch.tensor([[0, 1], [1, 0]])
    features = module(species, edges, vectors, 2)["features"]
    assert features.shape == (2, module.n_features) and features.abs().max() > 1e-3
    torch.testing.assert_close(module(species, edges, vectors @ rotation, 2)["features"], features)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"use_dipole": True}, "LES setting use_dipole = True: only False can be converted"),
        ({"fukui": 3}, "LES setting fukui = 3 is not known"),
    ],
)
def test_unknown_settings_of_les_are_refused(tmp_path, edit, says):
    fake_cace.write(tmp_path / "a.pth", **edit)
    with pytest.raises(ConversionError, match=says):
        convert(tmp_path / "a.pth", tmp_path / "a.pt", trust_pickle=True, say=lambda line: None)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda model: setattr(model.output_modules[1], "n_out", 2), "several charge channels"),
        (
            lambda model: setattr(model.output_modules[1], "use_batchnorm", True),
            "Atomwise with use_batchnorm",
        ),
        (
            lambda model: delattr(model.representation, "mp_norm_factor"),
            "not a model of cace as this pair_les knows it",
        ),
        (
            lambda model: setattr(
                model.representation, "radial_basis", fake_cace.made("cace.modules.radial", "GaussianRBF")
            ),
            "radial_basis of class GaussianRBF: only BesselRBF",
        ),
        (
            lambda model: model.output_modules.append(fake_cace.made("cace.modules.ewald", "EwaldPotential")),
            "output module of class EwaldPotential",
        ),
    ],
)
def test_unknown_parts_are_refused(tmp_path, edit, says):
    model = fake_cace.write(tmp_path / "a.pth")
    edit(model)
    torch.save(model, tmp_path / "a.pth")
    with pytest.raises(ConversionError, match=says):
        convert(tmp_path / "a.pth", tmp_path / "a.pt", trust_pickle=True, say=lambda line: None)
    assert not (tmp_path / "a.pt").exists()
