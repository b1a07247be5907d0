# SPDX-License-Identifier: MIT
"""The k sum with derivatives in closed form against its plain form and against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pair_les.long_range import k_sum as module
from pair_les.long_range.k_sum import k_sum, k_sum_energy
from pair_les.model_file.metadata import LongRange

K_RANGE, K_CUTOFF = (4, 5, 6), 4.0


@pytest.fixture
def frames() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions (some outside their cell), charges and triclinic cells of two frames, the second padded by charges of 0."""
    generator = torch.Generator().manual_seed(1)
    random = {"generator": generator, "dtype": torch.float64}
    cells = 6.0 * torch.eye(3, dtype=torch.float64) + torch.randn(2, 3, 3, **random)
    positions = 9.0 * torch.rand(2, 5, 3, **random)
    charges = torch.randn(2, 5, **random)
    charges[1, 3:] = 0.0
    return positions.requires_grad_(), charges.requires_grad_(), cells


def energies(form: Callable[..., torch.Tensor], cells: torch.Tensor) -> Callable[..., torch.Tensor]:
    """Positions and charges to energies."""
    return lambda positions, charges: form(positions, charges, cells, K_RANGE, K_CUTOFF, LongRange(1.1))


def loss_gradients(form: Callable[..., torch.Tensor], frames: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """Gradients of a loss of energies, forces and potentials with respect to positions and charges."""
    positions, charges, cells = frames
    energy = energies(form, cells)(positions, charges)
    slope, potential = torch.autograd.grad(energy.square().sum(), (positions, charges), create_graph=True)
    loss = (slope**2).sum() + (potential**3).sum() + energy.sum()
    return list(torch.autograd.grad(loss, (positions, charges)))


def test_first_and_second_derivatives_by_finite_differences(frames: tuple[torch.Tensor, ...]) -> None:
    positions, charges, cells = frames
    assert torch.autograd.gradcheck(energies(k_sum, cells), (positions, charges))
    assert torch.autograd.gradgradcheck(energies(k_sum, cells), (positions, charges))


def test_gradients_of_a_force_loss_are_those_of_the_plain_form(frames: tuple[torch.Tensor, ...]) -> None:
    for closed, plain in zip(
        loss_gradients(k_sum, frames), loss_gradients(k_sum_energy, frames), strict=True
    ):
        torch.testing.assert_close(closed, plain, rtol=1e-11, atol=1e-11 * float(plain.abs().max()))


def test_single_precision_agrees_to_its_rounding(frames: tuple[torch.Tensor, ...]) -> None:
    single = [tensor.detach().float().requires_grad_(tensor.requires_grad) for tensor in frames]
    for rounded, exact in zip(loss_gradients(k_sum, single), loss_gradients(k_sum, frames), strict=True):
        torch.testing.assert_close(rounded.double(), exact, rtol=0, atol=2e-5 * float(exact.abs().max()))


def test_weights_alone_cost_no_second_derivative_by_positions(
    frames: tuple[torch.Tensor, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss differentiated by what charges are made of never visits the node of the positions; by positions it does."""
    visits = []
    backward = module._PositionDependence.backward
    monkeypatch.setattr(
        module._PositionDependence, "backward", lambda *a: visits.append(1) or backward(*a), raising=True
    )
    positions, charges, cells = frames
    weight = torch.ones(5, dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        energy = energies(k_sum, cells)(positions, charges * weight)
        return torch.autograd.grad(energy.sum(), positions, create_graph=True)[0].square().sum()

    loss().backward(inputs=[weight])
    assert weight.grad is not None and not visits
    loss().backward()
    assert visits and positions.grad is not None


def test_a_cell_that_wants_a_gradient_has_one(frames: tuple[torch.Tensor, ...]) -> None:
    positions, charges, cells = frames
    cells.requires_grad_()
    total = energies(k_sum, cells)(positions.detach(), charges.detach()).sum()
    gradient = torch.autograd.grad(total, cells)[0]
    step = torch.zeros_like(cells)
    step[0, 1, 2] = 1e-5
    with torch.no_grad():
        ahead, behind = (
            energies(k_sum, cells + s * step)(positions, charges).sum().item() for s in (1.0, -1.0)
        )
    assert gradient[0, 1, 2].item() == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
