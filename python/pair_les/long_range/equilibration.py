# SPDX-License-Identifier: MIT
"""Charge equilibration by a dense solve: the reference for LAMMPS, and what training differentiates.

::

    E(q) = sum_i (chi_i q_i + eta_i q_i^2 / 2) + E_lr(q),   sum_i q_i = Q,   E_lr(q) = q K q / 2

is least where ``chi_i + eta_i q_i + (K q)_i = mu`` for every atom (Rappe and Goddard, J. Phys. Chem. 95, 3358, 1991). As mu is
the same for all atoms and the sum of the charges is fixed, the derivative of the least energy in anything is that at fixed
charges: forces need no derivative of the charges.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..model_file.metadata import ContractError, LongRange
from .energy import converged_k_cutoff, erf_over_x
from .split import g_ewald_from_sigma, self_energy_factor


def lowest_hardness(settings: LongRange) -> float:
    """Return the bound, eV/e^2, that every hardness must exceed, so that the energy has a minimum in any configuration.

    The k sum and the sum over pairs are positive definite together with the Gaussians' interaction with themselves; where
    the energy leaves that out (no `self_interaction`), the hardness has to make up for it.
    """
    return 0.0 if settings.self_interaction else 2.0 * self_energy_factor(settings)


def interaction_matrix(
    positions: Tensor,
    cell: Tensor,
    periodic: bool,
    settings: LongRange,
    k_cutoff: float | None = None,
    *,
    differentiable: bool = False,
) -> Tensor:
    """K with ``E_lr(q) = q K q / 2`` for charges that are not projected.

    Parameters
    ----------
    positions
        [N, 3], angstrom.
    cell
        [3, 3], angstrom; ignored for an isolated frame.
    periodic
        In all three directions, or isolated.
    settings
        The options of the model.
    k_cutoff
        As in `long_range_energy`.
    differentiable
        Whether positions and cell can be differentiated by; takes memory for each k.

    Returns
    -------
    [N, N], eV/e^2, float64.
    """
    with torch.set_grad_enabled(differentiable):
        x, h = positions.double(), cell.double()
        if periodic:
            matrix = _k_matrix(x, h, settings, k_cutoff or converged_k_cutoff(settings.sigma, torch.float64))
        else:
            a = g_ewald_from_sigma(settings.sigma)
            r_squared = (x[:, None] - x[None, :]).square().sum(-1)
            matrix = settings.coulomb_constant * a * erf_over_x(a * a * r_squared)
        return matrix - lowest_hardness(settings) * torch.eye(len(x), dtype=x.dtype, device=x.device)


def _k_matrix(positions: Tensor, cell: Tensor, settings: LongRange, k_cutoff: float) -> Tensor:
    """``4 pi k_e / V sum_{0 < |k| <= k_cutoff} exp(-sigma^2 k^2 / 2) / k^2 cos(k . (r_i - r_j))``, plane by plane of k."""
    fractional = positions @ torch.linalg.inv(cell)
    reciprocal = 2.0 * math.pi * torch.linalg.inv(cell).T  # rows: reciprocal lattice vectors
    ranges = (k_cutoff / (2.0 * math.pi) * cell.norm(dim=1)).floor().long().tolist()
    n = [torch.arange(-bound, bound + 1, dtype=cell.dtype, device=cell.device) for bound in ranges]
    x, y, z = (
        torch.exp(2.0j * math.pi * fractional[:, d, None] * n[d][None, :]) for d in range(3)
    )  # [N, n_d]
    in_plane = torch.stack(torch.meshgrid(n[1], n[2], indexing="ij"), dim=-1).reshape(-1, 2)
    of_plane = (y[:, :, None] * z[:, None, :]).flatten(1)  # [N, Y*Z]

    matrix = torch.zeros(len(positions), len(positions), dtype=cell.dtype, device=cell.device)
    for plane in range(ranges[0], 2 * ranges[0] + 1):  # n_x >= 0; -k adds the same as k
        k = n[0][plane] * reciprocal[0] + in_plane @ reciprocal[1:]
        k_squared = k.square().sum(-1)
        kept = (k_squared <= k_cutoff**2) & (k_squared > 0.0)
        k_squared = k_squared[kept]
        weight = torch.exp(-0.5 * settings.sigma**2 * k_squared) / k_squared
        phases = of_plane[:, kept] * x[:, plane, None] * weight.sqrt()
        product = torch.view_as_real(phases).flatten(1)  # real and imaginary parts side by side
        matrix = matrix + (1.0 if plane == ranges[0] else 2.0) * product @ product.T
    return 4.0 * math.pi * settings.coulomb_constant / torch.linalg.det(cell).abs() * matrix


def equilibrium_charges(
    electronegativity: Tensor, hardness: Tensor, interaction: Tensor, total_charge: float | Tensor
) -> Tensor:
    """Charges of least energy, [N], e, float64; differentiable in electronegativities and hardnesses.

    Parameters
    ----------
    electronegativity, hardness
        [N], eV/e and eV/e^2.
    interaction
        [N, N], from `interaction_matrix`.
    total_charge
        Q, e.
    """
    matrix = interaction + torch.diag(hardness.double())
    sides = torch.stack([electronegativity.double(), torch.ones_like(matrix[0])], dim=1)
    of_chi, of_ones = torch.linalg.solve(matrix, sides).unbind(1)
    return (total_charge + of_chi.sum()) / of_ones.sum() * of_ones - of_chi


def charge_energies(charges: Tensor, electronegativity: Tensor, hardness: Tensor) -> Tensor:
    """``chi_i q_i + eta_i q_i^2 / 2``, [N], eV."""
    return (electronegativity + 0.5 * hardness * charges) * charges


def equilibrate(
    outputs: Tensor,
    positions: Tensor,
    cell: Tensor,
    periodic: Tensor,
    frame: Tensor,
    total_charge: Tensor,
    settings: LongRange,
    k_cutoff: float | None = None,
    *,
    differentiable: bool = False,
) -> Tensor:
    """Return the equilibrated charges of a batch, frame by frame.

    Unless `differentiable`, K is taken as it is, and the derivative in the positions is not that of the charges. Energies and
    forces, and what training differentiates them by, do not need it: it enters with the factor mu and adds up to nothing.

    Parameters
    ----------
    outputs
        [N, 2], electronegativities and hardnesses.
    positions, cell, periodic, frame
        As in `long_range_energy`.
    total_charge
        [B], e.
    settings, k_cutoff, differentiable
        As in `interaction_matrix`.

    Returns
    -------
    [N], e, float64.
    """
    charges = []
    counts = torch.bincount(frame, minlength=len(cell)).tolist()
    start = 0
    for index, count in enumerate(counts):
        atoms = slice(start, start + count)
        start += count
        matrix = interaction_matrix(
            positions[atoms],
            cell[index],
            bool(periodic[index]),
            settings,
            k_cutoff,
            differentiable=differentiable,
        )
        chi, eta = outputs[atoms].unbind(1)
        charges.append(equilibrium_charges(chi, eta, matrix, total_charge[index].double()))
    return torch.cat(charges) if charges else outputs.new_zeros(0, dtype=torch.float64)


def with_fixed_sum(settings: LongRange) -> LongRange:
    """Return the options for the long-range energy of charges whose sum is already the one that they must have."""
    return replace(settings, neutralize=False, charge_model="latent")


def check_hardness(hardness: Tensor, settings: LongRange, file: object) -> None:
    """Raise `ContractError` unless every hardness is above `lowest_hardness`."""
    bound = lowest_hardness(settings)
    if bool((hardness <= bound).any()):
        reason = ", that of a Gaussian charge alone (self_interaction false)" if bound > 0.0 else ""
        raise ContractError(
            f"{file}: a hardness is {float(hardness.detach().min()):.6g} eV/e^2 but must be > {bound:.6g}{reason}"
        )
