# SPDX-License-Identifier: MIT
"""A model file in torch-sim: the numbers of the calculator for each of several systems."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pair_les import LESCalculator
from tiny_frames import tiny_frames

torch_sim = pytest.importorskip(
    "torch_sim", reason="torch-sim is not installed: pip install torch-sim-atomistic"
)
from pair_les.api.torch_sim_model import TorchSimModel  # noqa: E402


def test_each_system_has_the_results_of_the_calculator(model):
    path = model(sigma=1.0)
    systems = [atoms for atoms in tiny_frames(5, labeled=False) if atoms.pbc.all()]
    state = torch_sim.io.atoms_to_state(systems, torch.device("cpu"), torch.float64)
    found = TorchSimModel(path)(state)
    starts = np.cumsum([0, *map(len, systems)])
    for number, atoms in enumerate(systems):
        atoms.calc = LESCalculator(path)
        own = slice(starts[number], starts[number + 1])
        assert float(found["energy"][number]) == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(found["forces"][own].numpy(), atoms.get_forces(), atol=1e-9)
        np.testing.assert_allclose(found["charges"][own].numpy(), atoms.get_charges(), atol=1e-9)
        np.testing.assert_allclose(found["stress"][number].numpy(), atoms.get_stress(voigt=False), atol=1e-11)
