# SPDX-License-Identifier: MIT
"""Evaluation by one gradient of the whole energy against evaluation in two phases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tolerances as tol
import torch
from pair_les import load_model
from pair_les.evaluation import evaluate
from two_phase import evaluate_in_two_phases

CELL = np.array([[8.0, 0.0, 0.0], [1.0, 7.5, 0.0], [-0.5, 0.8, 8.5]])


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("total_charge", [None, 1.5])
@pytest.mark.parametrize(
    "options",
    [{}, {"neutralize": True, "self_interaction": True}, {"alpha": 0.0}, {"kind": "message_passing"}],
    ids=["plain", "neutralize and self", "fixed charges", "message passing"],
)
def test_one_gradient_equals_two_phases(
    model: Callable[..., Path], options: dict[str, object], total_charge: float | None, periodic: bool
) -> None:
    module, metadata = load_model(model(**options))
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    positions = 3.2 * grid + rng.uniform(-0.4, 0.4, grid.shape)
    species = rng.integers(0, 2, len(positions))
    found = evaluate(module, metadata, species, positions, CELL, periodic, total_charge=total_charge)
    expected = evaluate_in_two_phases(
        module,
        metadata,
        torch.tensor(species),
        torch.tensor(positions),
        torch.tensor(CELL),
        periodic,
        total_charge,
    )
    assert abs(found.energy - float(expected.energy)) < tol.TWO_PHASES
    assert np.abs(found.forces - expected.forces.numpy()).max() < tol.TWO_PHASES
    assert np.abs(found.latent_potential - expected.potential.numpy()).max() < tol.TWO_PHASES
    if periodic:
        assert found.strain_derivative is not None
        assert np.abs(found.strain_derivative - expected.strain_derivative.numpy()).max() < tol.TWO_PHASES
