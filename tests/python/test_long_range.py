# SPDX-License-Identifier: MIT
"""E_lr in torch: published vectors, analytic lattice sums, derivatives, options, batches."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances as tol
import torch
from pair_les.constants import COULOMB_CONSTANT
from pair_les.long_range import background_energy, converged_k_cutoff, long_range_energy
from pair_les.model_file.metadata import LongRange
from shared_data import SHARED

TRICLINIC = [[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.5, 1.2, 10.0]]
VECTORS = SHARED / "vectors" / "les_vectors.json"
OPTIONS = [
    LongRange(1.0),
    LongRange(1.3, self_interaction=True),
    LongRange(0.9, coulomb_constant=14.3315, neutralize=True),
    LongRange(1.0, self_interaction=True, neutralize=True),
]


def energy_of(
    positions: Any, charges: Any, cell: Any, settings: LongRange, k_cutoff: float | None = None
) -> torch.Tensor:
    """E_lr of one frame; cell None means isolated."""
    positions, charges = torch.as_tensor(positions), torch.as_tensor(charges)
    periodic = torch.tensor([cell is not None])
    cell = torch.zeros(3, 3, dtype=positions.dtype) if cell is None else torch.as_tensor(cell)
    batch = torch.zeros(len(positions), dtype=torch.int64)
    return long_range_energy(positions, charges, cell[None], periodic, batch, settings, k_cutoff=k_cutoff)[0]


def fluid(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions (some outside the cell), charges (not neutral) and a triclinic cell, float64."""
    rng = np.random.default_rng(seed)
    cell = np.array(TRICLINIC)
    positions = rng.uniform(-1.0, 2.0, (n, 3)) @ cell
    return torch.tensor(positions), torch.tensor(rng.normal(0.2, 0.7, n)), torch.tensor(cell)


def vector_cases() -> list[Any]:
    if not VECTORS.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {VECTORS}: set PAIR_LES_SHARED"))]
    cases = [case for case in json.loads(VECTORS.read_text())["cases"] if "dE_dq" in case]
    return [
        pytest.param(case, id=f"{case['name']}-sigma{case['sigma']}-dl{case['dl']}-{index}")
        for index, case in enumerate(cases)
    ]


@pytest.mark.parametrize("case", vector_cases())
def test_published_vectors(case: dict[str, Any]) -> None:
    """Energy, forces at fixed charge, potential and strain derivative; the k sum cut as the rows say."""
    settings = LongRange(
        case["sigma"], case["norm_factor"] / (2 * math.pi), not case["remove_self_interaction"]
    )
    rest = torch.tensor(case["positions"], dtype=torch.float64, requires_grad=True)
    charges = torch.tensor(case["charges"], dtype=torch.float64, requires_grad=True)
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3) + 0.5 * (strain + strain.T)
    cell = None if case["cell"] is None else torch.tensor(case["cell"], dtype=torch.float64) @ deformation
    channels = charges[:, None] if charges.ndim == 1 else charges  # energies of channels add
    energy = sum(
        energy_of(rest @ deformation, channel, cell, settings, 2 * math.pi / case["dl"])
        for channel in channels.T
    )
    gradients = torch.autograd.grad(energy, [rest, charges, strain])
    assert energy.item() == pytest.approx(case["energy"], abs=tol.VECTORS)
    np.testing.assert_allclose(-gradients[0], case["forces_fixed_q"], rtol=0, atol=tol.VECTORS)
    np.testing.assert_allclose(gradients[1], case["dE_dq"], rtol=0, atol=tol.VECTORS)
    if case["dE_dstrain"] is not None:
        np.testing.assert_allclose(gradients[2], case["dE_dstrain"], rtol=0, atol=tol.VECTORS)


def test_default_cutoff_is_converged(shared: Path) -> None:
    """Without k_cutoff the sum equals the rows of dl = 0.5, and is not the truncated sum of dl = 2 sigma."""
    cases = json.loads((shared / "vectors" / "les_vectors.json").read_text())["cases"]
    converged = next(case for case in cases if case["dl"] == 0.5)
    settings = LongRange(converged["sigma"], converged["norm_factor"] / (2 * math.pi))
    arrays = [torch.tensor(converged[key], dtype=torch.float64) for key in ("positions", "charges", "cell")]
    assert energy_of(*arrays, settings).item() == pytest.approx(converged["energy"], abs=tol.VECTORS)
    assert abs(energy_of(*arrays, settings, math.pi / settings.sigma).item() - converged["energy"]) > 0.05


# Madelung constant for the nearest distance 1 (NaCl, CsCl: OEIS A085469, A181152), cell, fractions,
# nearest distance in that cell
LATTICES = {
    "NaCl": (1.7475645946331822, (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], 1.0),
    "CsCl": (1.7626747730709884, np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], math.sqrt(3) / 2),
    "ZnS": (
        1.6380550533887896,
        (np.ones((3, 3)) - np.eye(3)) / 2,
        [[0, 0, 0], [0.25, 0.25, 0.25]],
        math.sqrt(3) / 4,
    ),
}


@pytest.mark.parametrize("name", LATTICES)
def test_madelung_constants(name: str) -> None:
    """Narrow Gaussians are point charges to their neighbors: -M k_e / r for each pair (primitive cells)."""
    constant, cell, fractional, nearest = LATTICES[name]
    distance = 2.82
    cell = torch.tensor(cell) * (distance / nearest)
    positions = torch.tensor(fractional, dtype=torch.float64) @ cell
    settings = LongRange(0.3)  # erfc(2.82 / (sqrt2 0.3)) = 5e-21
    energy = energy_of(positions, torch.tensor([1.0, -1.0], dtype=torch.float64), cell, settings)
    expected = -constant * COULOMB_CONSTANT / distance
    assert energy.item() == pytest.approx(expected, rel=tol.MADELUNG_RELATIVE)


def test_one_charge_in_a_cell_has_no_background_energy() -> None:
    """A Wigner lattice, -2.837297 k_e q^2 / 2L with its background, here without it."""
    edge, charge, settings = 8.0, 1.7, LongRange(0.5)
    energy = energy_of(
        torch.zeros(1, 3, dtype=torch.float64),
        torch.tensor([charge], dtype=torch.float64),
        torch.eye(3).double() * edge,
        settings,
    )
    wigner = -2.837297479480620 * COULOMB_CONSTANT * charge**2 / (2.0 * edge)
    assert energy.item() == pytest.approx(
        wigner + background_energy(charge, edge**3, settings), rel=tol.MADELUNG_RELATIVE
    )


@pytest.mark.parametrize("self_interaction", [False, True])
def test_isolated_pair_in_closed_form(self_interaction: bool) -> None:
    sigma, distance, charges = 1.2, 3.1, (0.7, -1.1)
    settings = LongRange(sigma, self_interaction=self_interaction)
    positions = torch.tensor([[50.0, -3.0, 7.0], [50.0, -3.0, 7.0 + distance]], dtype=torch.float64)
    expected = (
        COULOMB_CONSTANT * charges[0] * charges[1] * math.erf(distance / (math.sqrt(2) * sigma)) / distance
    )
    if self_interaction:
        expected += COULOMB_CONSTANT * (charges[0] ** 2 + charges[1] ** 2) / (sigma * math.sqrt(2 * math.pi))
    energy = energy_of(positions, torch.tensor(charges, dtype=torch.float64), None, settings)
    assert energy.item() == pytest.approx(expected, abs=tol.CONVERGED_SUM)


@pytest.mark.parametrize("settings", OPTIONS)
def test_large_cell_tends_to_the_isolated_energy(settings: LongRange) -> None:
    """Images of a cluster without charge, dipole and quadrupole hardly interact: both sums are one energy."""
    positions = torch.tensor(
        [[0.0, 0, 0], [1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]], dtype=torch.float64
    )
    charges = torch.tensor([-4.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64) * 0.3
    cell = torch.eye(3, dtype=torch.float64) * 40.0
    periodic = energy_of(positions, charges, cell, settings, 5.5 / settings.sigma)
    assert periodic.item() == pytest.approx(energy_of(positions, charges, None, settings).item(), abs=1e-5)


@pytest.mark.parametrize("settings", OPTIONS)
def test_direct_sum(settings: LongRange) -> None:
    """The factorized sum equals the plain sum over reciprocal vectors, written down once more."""
    positions, charges, cell = fluid(7, seed=1)
    cutoff = 4.0
    q = (charges - charges.mean() * settings.neutralize).numpy()
    reciprocal = 2 * math.pi * np.linalg.inv(cell.numpy()).T
    n = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3), axis=-1).reshape(-1, 3)
    k = n[(n != 0).any(1)] @ reciprocal
    k = k[(k**2).sum(1) <= cutoff**2]
    squared = (k**2).sum(1)
    structure = np.exp(1j * k @ positions.numpy().T) @ q
    expected = (np.exp(-0.5 * settings.sigma**2 * squared) / squared * abs(structure) ** 2).sum()
    expected *= 2 * math.pi * settings.coulomb_constant / abs(np.linalg.det(cell.numpy()))
    if not settings.self_interaction:
        expected -= settings.coulomb_constant * (q**2).sum() / (settings.sigma * math.sqrt(2 * math.pi))
    found = energy_of(positions, charges, cell, settings, cutoff)
    assert found.item() == pytest.approx(expected, abs=tol.CONVERGED_SUM)


def mixed_batch(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """Triclinic, isolated, empty and cubic frames: positions, charges, cell, periodic, batch."""
    frames = [fluid(5, 1)[0], fluid(4, 2)[0] * 0.2, torch.zeros(0, 3), fluid(6, 3)[0], fluid(3, 4)[0]]
    cells = [
        torch.tensor(TRICLINIC),
        torch.zeros(3, 3),
        torch.eye(3) * 5,
        torch.tensor(TRICLINIC) * 1.01,
        torch.eye(3) * 7,
    ]
    counts = torch.tensor([len(frame) for frame in frames])
    return (
        torch.cat(frames).to(dtype),
        fluid(int(counts.sum()), 5)[1].to(dtype),
        torch.stack([cell.to(dtype) for cell in cells]),
        torch.tensor([True, False, True, True, True]),
        torch.arange(len(frames)).repeat_interleave(counts),
    )


@pytest.mark.parametrize("settings", OPTIONS)
def test_batch_equals_single_frames(settings: LongRange) -> None:
    positions, charges, cell, periodic, batch = mixed_batch()
    together = long_range_energy(positions, charges, cell, periodic, batch, settings)
    for frame in range(len(cell)):
        own = batch == frame
        alone = energy_of(positions[own], charges[own], cell[frame] if periodic[frame] else None, settings)
        assert together[frame].item() == pytest.approx(alone.item(), abs=tol.CONVERGED_SUM), f"frame {frame}"
    assert together[2].item() == 0.0


@pytest.mark.parametrize("settings", OPTIONS)
def test_first_and_second_derivatives(settings: LongRange) -> None:
    """Against finite differences in positions, charges and cell at once; training needs both orders."""
    positions, charges, cell, periodic, batch = mixed_batch()

    def total(positions: torch.Tensor, charges: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
        return long_range_energy(positions, charges, cell, periodic, batch, settings, k_cutoff=2.5)

    inputs = (positions.requires_grad_(), charges.requires_grad_(), cell.requires_grad_())
    # k_cutoff masks vectors by length: none may cross it when the cell is moved by 1e-6
    assert torch.autograd.gradcheck(total, inputs, atol=1e-6, fast_mode=True)
    assert torch.autograd.gradgradcheck(total, inputs, atol=1e-5, fast_mode=True)


def test_neutralize_subtracts_the_mean_of_each_frame() -> None:
    positions, charges, cell, periodic, batch = mixed_batch()
    shifted = charges.clone()
    for frame in batch.unique():
        shifted[batch == frame] -= charges[batch == frame].mean()
    projected = long_range_energy(positions, charges, cell, periodic, batch, LongRange(1.0, neutralize=True))
    plain = long_range_energy(positions, shifted, cell, periodic, batch, LongRange(1.0))
    torch.testing.assert_close(projected, plain, rtol=0, atol=tol.CONVERGED_SUM)


def test_neutralize_projects_the_potential() -> None:
    positions, charges, cell = fluid(6, 7)
    charges.requires_grad_()
    energy_of(positions, charges, cell, LongRange(1.0, neutralize=True)).backward()
    assert abs(charges.grad.sum().item()) < tol.CONVERGED_SUM
    assert charges.grad.abs().max() > 0.1


@pytest.mark.parametrize("settings", OPTIONS)
def test_symmetries(settings: LongRange) -> None:
    """Translation, atoms moved by lattice vectors, another cell of the same lattice, a doubled cell."""
    positions, charges, cell = fluid(6, 8)
    energy = energy_of(positions, charges, cell, settings).item()

    def same(positions: torch.Tensor, charges: torch.Tensor, cell: torch.Tensor, times: int = 1) -> None:
        found = energy_of(positions, charges, cell, settings).item()
        assert found == pytest.approx(times * energy, abs=tol.SYMMETRY)

    same(positions + torch.tensor([313.1, -27.4, 5.5]).double(), charges, cell)
    same(positions + torch.randint(-20, 20, (6, 3)).double() @ cell, charges, cell)
    same(positions, charges, torch.tensor([[1.0, 0, 0], [1, 1, 0], [-2, 1, 1]]).double() @ cell)
    same(positions, charges, torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]).double() @ cell)  # left-handed
    doubled = torch.tensor([1.0, 1.0, 2.0]).double()[:, None] * cell
    same(torch.cat([positions, positions + cell[2]]), torch.cat([charges, charges]), doubled, 2)


@pytest.mark.parametrize("settings", OPTIONS)
def test_float32(settings: LongRange) -> None:
    double = long_range_energy(*mixed_batch(), settings)
    single = long_range_energy(*mixed_batch(torch.float32), settings)
    assert single.dtype == torch.float32
    assert (single - double).abs().max() < tol.FLOAT32_RELATIVE * double.abs().max()


def test_truncation_error_of_the_default_is_rounding() -> None:
    positions, charges, cell = fluid(6, 9)
    default = energy_of(positions, charges, cell, LongRange(1.0))
    further = energy_of(positions, charges, cell, LongRange(1.0), 1.5 * converged_k_cutoff(1.0))
    assert default.item() == pytest.approx(further.item(), abs=1e-12)


def test_coinciding_isolated_atoms_are_regular() -> None:
    """Gaussians have a finite energy at distance 0, and no force."""
    positions = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    charges = torch.tensor([1.0, 1.0], dtype=torch.float64)
    energy = energy_of(positions, charges, None, LongRange(1.0))
    (gradient,) = torch.autograd.grad(energy, positions)
    assert energy.item() == pytest.approx(COULOMB_CONSTANT * math.sqrt(2 / math.pi), abs=tol.CONVERGED_SUM)
    assert torch.equal(gradient, torch.zeros(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("distance", [1e-3, 0.14142135, 0.14142136, 0.2, 1.0, 6.0])
def test_pair_force_in_closed_form(distance: float) -> None:
    positions = torch.tensor([[0.0, 0, 0], [distance, 0, 0]], dtype=torch.float64, requires_grad=True)
    charges = torch.tensor([1.0, 1.0], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(energy_of(positions, charges, None, LongRange(1.0)), positions)
    x = distance / math.sqrt(2)
    if distance < 0.01:  # leading terms of the series; the closed form cancels here
        expected = -math.sqrt(2 / math.pi) * distance / 3 * (1 - 0.3 * distance**2)
    else:
        expected = (math.sqrt(2 / math.pi) * math.exp(-x * x) - math.erf(x) / distance) / distance
    assert gradient[1, 0].item() == pytest.approx(COULOMB_CONSTANT * expected, rel=1e-11)


def test_batch_must_be_ascending() -> None:
    positions, charges, cell = fluid(3, 1)
    with pytest.raises(ValueError, match="batch must be ascending: put the atoms of each frame together"):
        long_range_energy(
            positions,
            charges,
            torch.stack([cell, cell]),
            torch.tensor([True, True]),
            torch.tensor([0, 1, 0]),
            LongRange(1.0),
        )
