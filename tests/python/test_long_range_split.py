# SPDX-License-Identifier: MIT
"""The plain-float functions of the split, put together again to E_lr."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import tolerances as tol
import torch
from pair_les.constants import COULOMB_CONSTANT
from pair_les.long_range import (
    background_energy,
    g_ewald_from_sigma,
    long_range_energy,
    potential_correction,
    self_energy,
    smeared_coulomb,
    split_background_virial,
    split_pair_potential,
)
from pair_les.model_file.metadata import LongRange

CELL = np.array([[7.0, 0.0, 0.0], [1.5, 6.0, 0.0], [-1.0, 0.8, 6.5]])
POSITIONS = np.random.default_rng(3).uniform(0, 1, (5, 3)) @ CELL
CHARGES = np.array([0.9, -0.4, 0.3, -0.8, 0.6])


def k_sum(sigma: float) -> tuple[float, np.ndarray, np.ndarray]:
    """The k sum alone, self term kept, with its potential and strain derivative."""
    charges = torch.tensor(CHARGES, requires_grad=True)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3) + strain
    energy = long_range_energy(
        torch.tensor(POSITIONS) @ deformation,
        charges,
        (torch.tensor(CELL) @ deformation)[None],
        torch.tensor([True]),
        torch.zeros(5, dtype=torch.int64),
        LongRange(sigma, self_interaction=True),
    ).sum()
    potential, derivative = torch.autograd.grad(energy, [charges, strain])
    return energy.item(), potential.numpy(), derivative.numpy()


def lammps_solver(g: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, potential and virial of a LAMMPS Ewald-type solver (docs/theory/long_range.md, "Matched mode")."""
    energy, potential, derivative = k_sum(1.0 / (math.sqrt(2.0) * g))
    volume, total = np.linalg.det(CELL), CHARGES.sum()
    energy -= COULOMB_CONSTANT * g / math.sqrt(math.pi) * (CHARGES**2).sum()
    energy -= COULOMB_CONSTANT * math.pi * total**2 / (2.0 * g**2 * volume)
    potential = potential - 2.0 * COULOMB_CONSTANT * g / math.sqrt(math.pi) * CHARGES
    potential = potential - COULOMB_CONSTANT * math.pi * total / (g**2 * volume)
    return energy, potential, -derivative


def pair_sum(sigma: float, g: float) -> tuple[float, np.ndarray, np.ndarray]:
    """1/2 sum q q D over all images, its potential and virial; a charge and its own images included."""
    energy, potential, virial = 0.0, np.zeros(5), np.zeros((3, 3))
    for image in itertools.product(range(-5, 6), repeat=3):
        for i, j in itertools.product(range(5), repeat=2):
            if i == j and image == (0, 0, 0):
                continue
            vector = POSITIONS[j] - POSITIONS[i] + np.array(image) @ CELL
            r = float(np.linalg.norm(vector))
            value, derivative = split_pair_potential(r, sigma, g, COULOMB_CONSTANT)
            energy += 0.5 * CHARGES[i] * CHARGES[j] * value
            potential[i] += CHARGES[j] * value
            virial -= 0.5 * CHARGES[i] * CHARGES[j] * derivative / r * np.outer(vector, vector)
    return energy, potential, virial


@pytest.mark.parametrize("g", [g_ewald_from_sigma(1.0), 0.55, 0.4, 0.9])
@pytest.mark.parametrize("self_interaction", [False, True])
def test_solver_plus_corrections_is_the_model(g: float, self_interaction: bool) -> None:
    """Energy, potential and virial at matched, smaller and larger g, for a charged triclinic cell."""
    settings = LongRange(1.0, self_interaction=self_interaction)
    volume, total = float(np.linalg.det(CELL)), float(CHARGES.sum())
    energy, potential, strain_derivative = k_sum(settings.sigma)
    if not self_interaction:
        energy -= self_energy(CHARGES.tolist(), settings)
        potential = potential - 2 * CHARGES * self_energy([1.0], settings)

    solver = lammps_solver(g)
    pairs = pair_sum(settings.sigma, g)
    found = solver[0] + pairs[0] + background_energy(total, volume, settings)
    if self_interaction:
        found += self_energy(CHARGES.tolist(), settings)
    corrections = np.array(
        [potential_correction(charge, total, volume, settings) for charge in CHARGES.tolist()]
    )
    virial = solver[2] + pairs[2] + split_background_virial(total, volume, settings, g) * np.eye(3)

    # the image sum of D reaches 30 A, where erfc(0.4 r) is 1e-64
    assert found == pytest.approx(energy, abs=tol.CONVERGED_SUM)
    np.testing.assert_allclose(solver[1] + pairs[1] + corrections, potential, rtol=0, atol=tol.CONVERGED_SUM)
    np.testing.assert_allclose(virial, -strain_derivative, rtol=0, atol=tol.CONVERGED_SUM)


def test_matched_mode_leaves_nothing_to_pairs() -> None:
    settings = LongRange(1.3)
    g = g_ewald_from_sigma(settings.sigma)
    assert split_pair_potential(2.0, settings.sigma, g, COULOMB_CONSTANT) == (0.0, 0.0)
    assert split_background_virial(2.0, 100.0, settings, g) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("r", [1e-4, 0.05, 0.1, 0.1414, 0.1415, 0.5, 0.99, 1.01, 3.0, 8.0])
@pytest.mark.parametrize("g", [0.35, 0.5, 0.8])
def test_derivatives_by_differences(r: float, g: float) -> None:
    for function in (
        lambda x: smeared_coulomb(x, 1.0, COULOMB_CONSTANT),
        lambda x: split_pair_potential(x, 1.0, g, COULOMB_CONSTANT),
    ):
        step = min(1e-3, r / 4)
        values = [function(r + n * step)[0] for n in (-2, -1, 1, 2)]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        # rounding of values of up to 12 eV over the step
        assert function(r)[1] == pytest.approx(
            slope, abs=tol.FINITE_DIFFERENCE_FORCE * 1e-3 + 3e-15 * 12 / step
        )


@pytest.mark.parametrize("function", ["smeared", "split"])
def test_series_meets_closed_form(function: str) -> None:
    """Both sides of the switch of the series (a r = 0.1), and of erf to erfc (g r = 0.5), agree."""
    g = 0.4
    switches = [0.1 * math.sqrt(2.0)] if function == "smeared" else [0.1 * math.sqrt(2.0), 0.1 / g, 0.5 / g]
    for switch in switches:
        below, above = switch * (1 - 1e-12), switch * (1 + 1e-12)
        if function == "smeared":
            pair = [smeared_coulomb(r, 1.0, 1.0) for r in (below, above)]
        else:
            pair = [split_pair_potential(r, 1.0, g, 1.0) for r in (below, above)]
        assert pair[0][0] == pytest.approx(pair[1][0], rel=1e-11)
        assert pair[0][1] == pytest.approx(pair[1][1], rel=1e-11)


def test_values_at_contact() -> None:
    """k_e sqrt(2/pi) / sigma at r = 0, no force."""
    value, derivative = smeared_coulomb(0.0, 1.5, COULOMB_CONSTANT)
    expected = COULOMB_CONSTANT * math.sqrt(2 / math.pi) / 1.5
    assert value == pytest.approx(expected, rel=tol.PURE_FUNCTION_RELATIVE)
    assert derivative == 0.0
    value, derivative = split_pair_potential(0.0, 1.5, 0.3, COULOMB_CONSTANT)
    expected -= COULOMB_CONSTANT * 2 * 0.3 / math.sqrt(math.pi)
    assert value == pytest.approx(expected, rel=tol.PURE_FUNCTION_RELATIVE)
    assert derivative == 0.0


def test_tail_keeps_relative_precision() -> None:
    """At 10 A the difference of two erf would have no digit left; erfc has all of them."""
    g = 0.5
    value, _ = split_pair_potential(10.0, 1.0, g, 1.0)
    assert value == pytest.approx(math.erfc(5.0) / 10.0, rel=1e-10)
