# SPDX-License-Identifier: MIT
"""The exact sum at some charges against the converged sum over reciprocal vectors, differentiated by autograd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pair_les import LongRange
from pair_les.long_range import long_range_energy, split

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

CELLS = {
    "cube": np.diag([12.0, 12.0, 12.0]),
    "slab": np.diag([7.0, 8.0, 40.0]),
    "skewed": np.array([[11.0, 0.0, 0.0], [4.0, 10.0, 0.0], [-3.5, 2.2, 12.0]]),
    "large": np.diag([60.0, 50.0, 70.0]),
}


def rows(cell: np.ndarray) -> np.ndarray:
    """Twelve charges with a net charge, some outside the cell: x, y, z, q."""
    rng = np.random.default_rng(4)
    positions = (1.4 * rng.random((12, 3)) - 0.2) @ cell
    positions[1] = positions[0] + [0.9, 0.1, -0.3]  # a molecule
    return np.column_stack([positions, rng.standard_normal(12)])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("sigma", [0.8, 3.0])
@pytest.mark.parametrize("precision", [1e-6, 1e-13])
def test_potential_and_field(name, sigma, precision):
    cell, charges = CELLS[name], rows(CELLS[name])
    positions = torch.tensor(charges[:, :3], requires_grad=True)
    q = torch.tensor(charges[:, 3], requires_grad=True)
    settings = LongRange(sigma, coulomb_constant=1.0)
    frame = torch.zeros(len(charges), dtype=torch.int64)
    energy = long_range_energy(positions, q, torch.tensor(cell)[None], torch.tensor([True]), frame, settings)
    gradient, potential = torch.autograd.grad(energy.sum(), [positions, q])
    # what LAMMPS's solvers add for the background
    potential -= 2.0 * math.pi * sigma**2 * q.detach().sum() / abs(np.linalg.det(cell))
    field = -gradient / q.detach()[:, None]
    g_ewald = split.g_ewald_from_sigma(sigma)
    chosen = charges[[0, 1, 5, 11]]
    found = core.sampled_ewald(cell, g_ewald, precision, chosen.ravel(), charges.ravel()).reshape(-1, 4)
    expected = np.column_stack([potential.detach(), field.detach()])[[0, 1, 5, 11]]
    np.testing.assert_allclose(found, expected, atol=30.0 * precision)


def test_pairs_beyond_a_cutoff():
    """By looking at every image of every charge."""
    cell, charges = CELLS["skewed"], rows(CELLS["skewed"])
    g_ewald, sigma, cutoff = 0.35, 1.0, 5.0
    images = np.array(np.meshgrid(*3 * [np.arange(-4, 5)])).reshape(3, -1).T @ cell
    expected = np.zeros((len(charges), 4))
    for i, point in enumerate(charges):
        for other in charges:
            vectors = point[:3] - other[:3] + images
            for vector in vectors[np.linalg.norm(vectors, axis=1) > cutoff]:
                r = float(np.linalg.norm(vector))
                value, slope = split.split_pair_potential(r, sigma, g_ewald, 1.0)
                expected[i] += other[3] * np.array([value, *(-slope * vector / r)])
    found = core.beyond_cutoff(cell, g_ewald, charges.ravel(), charges.ravel(), sigma, cutoff).reshape(-1, 4)
    # as far as it is summed, 1e-4 of what it is at the cutoff
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
