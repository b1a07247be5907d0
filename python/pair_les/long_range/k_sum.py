# SPDX-License-Identifier: MIT
"""The k sum over periodic frames in torch, and the same with its derivatives in closed form for training.

Formula: docs/theory/long_range.md (Cheng 2025). The phase ``exp(i k.r)`` factorizes over the reciprocal lattice directions, so
``S(k) = sum_n q_n X[n,kx] Y[n,ky] Z[n,kz]`` needs ``N (nx + ny + nz)`` trigonometric functions, not ``N K``, and the
cost is that of a matrix product.

`k_sum_energy` is the formula and nothing else: torch differentiates it by whatever is asked for. A force loss needs the gradient of
``(E, dE/dq, dE/dr)`` with respect to charges alone; `k_sum` gives it in six matrix products of the size of the first, where
autograd takes about nine and keeps every intermediate array of size N K.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..model_file.metadata import LongRange


def k_sum(
    positions: Tensor,
    charges: Tensor,
    cell: Tensor,
    k_range: tuple[int, int, int],
    k_cutoff: float,
    settings: LongRange,
) -> Tensor:
    """``2 pi k_e / V sum_{0 < |k| <= k_cutoff} exp(-sigma^2 k^2 / 2) / k^2 |S(k)|^2`` of each frame.

    Differentiable twice with respect to positions and charges, and to the cell.

    Parameters
    ----------
    positions
        [F, n, 3], angstrom: frames padded to n atoms by atoms of charge 0.
    charges
        [F, n], e.
    cell
        [F, 3, 3], rows are lattice vectors, angstrom.
    k_range
        Largest |index| of a reciprocal lattice vector in each direction, the same for all frames.
    k_cutoff
        1/angstrom.
    settings
        sigma and the Coulomb constant.

    Returns
    -------
    [F], eV.
    """
    if cell.requires_grad or not torch.is_grad_enabled():
        return k_sum_energy(positions, charges, cell, k_range, k_cutoff, settings)
    lattice = _Lattice.of(cell, k_range, k_cutoff, settings)
    return _KSum.apply(positions, charges, lattice)


def k_sum_energy(
    positions: Tensor,
    charges: Tensor,
    cell: Tensor,
    k_range: tuple[int, int, int],
    k_cutoff: float,
    settings: LongRange,
) -> Tensor:
    """`k_sum` as plain torch operations: its reference."""
    return _Lattice.of(cell, k_range, k_cutoff, settings).energy(positions, charges)


@dataclass(frozen=True)
class _Lattice:
    """Reciprocal lattice vectors ``k = 2 pi n @ inverse^T`` of F frames and the weight of each.

    S(-k) is the conjugate of S(k): ``n_x >= 0`` is enough, ``n_x > 0`` counts twice.
    """

    inverse: Tensor  # [F, 3, 3]; columns are reciprocal lattice vectors / (2 pi)
    n_x: Tensor  # [X], and so on: integers in the dtype of the cell
    n_y: Tensor
    n_z: Tensor
    weight: Tensor  # [F, X Y, Z], eV/e^2; 0 beyond the cutoff and for k = 0

    @staticmethod
    def of(cell: Tensor, k_range: tuple[int, int, int], k_cutoff: float, settings: LongRange) -> _Lattice:
        inverse = torch.linalg.inv(cell)
        volume = torch.linalg.det(cell).abs()
        indices = [
            torch.arange(0 if d == 0 else -k_range[d], k_range[d] + 1, device=cell.device) for d in range(3)
        ]
        n_x, n_y, n_z = (index.to(cell.dtype) for index in indices)
        n = torch.stack(torch.meshgrid(n_x, n_y, n_z, indexing="ij"), dim=-1).reshape(-1, 3)  # [K, 3]
        k_squared = (2.0 * math.pi * n @ inverse.transpose(-1, -2)).square().sum(-1)  # [F, K]
        kept = (k_squared.detach() <= k_cutoff**2) & (n != 0).any(-1)
        safe = torch.where(kept, k_squared, 1.0)
        twice = torch.where(n[:, 0] > 0, 2.0, 1.0).to(cell.dtype)
        weight = torch.where(kept, twice * torch.exp(-0.5 * settings.sigma**2 * safe) / safe, 0.0)
        weight = 2.0 * math.pi * settings.coulomb_constant / volume[:, None] * weight
        return _Lattice(inverse, n_x, n_y, n_z, weight.unflatten(1, (-1, n_z.numel())))

    def phases(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """``exp(2 pi i (n_x s_x + n_y s_y))`` [F, n, X Y] and ``exp(2 pi i n_z s_z)`` [F, n, Z] of fractional coordinates s."""
        s = positions @ self.inverse
        s = s - s.detach().floor()  # phases keep their digits far outside the cell
        x, y, z = (_phase(s[..., d], n) for d, n in enumerate((self.n_x, self.n_y, self.n_z)))
        return (x[..., :, None] * y[..., None, :]).flatten(-2), z

    def structure_factor(self, amplitude: Tensor, z: Tensor) -> Tensor:
        """``sum_n amplitude[n, xy] z[n, z]``, [F, X Y, Z], of [F, n, X Y] and [F, n, Z]."""
        return amplitude.transpose(-1, -2) @ z

    def energy_from_structure(self, structure: Tensor) -> Tensor:
        """[F], eV."""
        return (self.weight * torch.view_as_real(structure).square().sum(-1)).sum((-1, -2))

    def energy(self, positions: Tensor, charges: Tensor) -> Tensor:
        """[F], eV, of positions [F, n, 3] and charges [F, n]."""
        xy, z = self.phases(positions)
        return self.energy_from_structure(self.structure_factor(charges[..., None] * xy, z))

    def in_plane(self) -> tuple[Tensor, Tensor]:
        """n_x and n_y of each of the X Y columns."""
        n_x, n_y = torch.meshgrid(self.n_x, self.n_y, indexing="ij")
        return n_x.flatten(), n_y.flatten()

    def moments(self, values: Tensor) -> Tensor:
        """``Re sum_xy v``, ``Im sum_xy n_x v`` and ``Im sum_xy n_y v`` of complex [F, n, X Y], as [3, F, n].

        Few rows times many columns, of real numbers: the other way round, and in complex numbers, a BLAS takes five times as long.
        """
        n_x, n_y = self.in_plane()
        zero = torch.zeros_like(n_x)
        pairs = (
            (torch.ones_like(n_x), zero),
            (zero, n_x),
            (zero, n_y),
        )  # factors of real and imaginary parts
        rows = torch.stack([torch.stack(pair, -1).flatten() for pair in pairs])
        columns = torch.view_as_real(values).flatten(-2).flatten(0, 1).t()
        return (rows @ columns).view(3, *values.shape[:2])


def _phase(s: Tensor, n: Tensor) -> Tensor:
    """``exp(2 pi i n s)``, [F, n, M], of one fractional coordinate [F, n]."""
    angle = 2.0 * math.pi * s[..., None] * n
    return torch.complex(torch.cos(angle), torch.sin(angle))


class _KSum(torch.autograd.Function):
    """Energies; `_gradient` is its backward."""

    @staticmethod
    def forward(ctx: Any, positions: Tensor, charges: Tensor, lattice: _Lattice) -> Tensor:
        xy, z = lattice.phases(positions)
        structure = lattice.structure_factor(charges[..., None] * xy, z)
        ctx.save_for_backward(positions, charges)
        ctx.lattice, ctx.arrays = lattice, (xy, z, structure)
        return lattice.energy_from_structure(structure)

    @staticmethod
    def backward(ctx: Any, seed: Tensor) -> tuple[Tensor, Tensor, None]:
        positions, charges = ctx.saved_tensors
        force, potential = _Gradient.apply(charges, seed, ctx.lattice, ctx.arrays)
        if torch.is_grad_enabled() and positions.requires_grad:
            # A node of its own, which autograd visits only where somebody asks for second derivatives by positions.
            zero_force, zero_potential = _PositionDependence.apply(
                positions, charges.detach(), seed.detach(), ctx.lattice
            )
            force, potential = force + zero_force, potential + zero_potential
        return force, potential, None


class _Gradient(torch.autograd.Function):
    """``seed dE/dr`` [F, n, 3] and ``seed dE/dq`` [F, n], a function of charges and seed; positions are held."""

    @staticmethod
    def forward(
        ctx: Any, charges: Tensor, seed: Tensor, lattice: _Lattice, arrays: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        xy, z, structure = arrays
        n = charges.shape[-1]
        both = torch.cat([z, lattice.n_z * z], 1)  # [F, 2 n, Z]
        sums = both @ (lattice.weight * structure.conj()).transpose(-1, -2)  # [F, 2 n, X Y]
        total, along_x, along_y = lattice.moments(xy * sums[:, :n])  # [F, n]
        along_z = (xy * sums[:, n:]).sum(-1)
        # E = sum_k w |S|^2: dE/dq = 2 Re sum_k w S* e^(ikr), and a factor 2 pi i n for each derivative by s
        potential = 2.0 * total
        slope = torch.stack([along_x, along_y, along_z.imag], -1)
        field = -4.0 * math.pi * slope @ lattice.inverse.transpose(-1, -2)  # dE/dr / q, [F, n, 3]
        ctx.lattice, ctx.arrays = lattice, (xy, both)
        ctx.save_for_backward(charges, seed, potential, field)
        return (seed[:, None] * charges)[..., None] * field, seed[:, None] * potential

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, w: Tensor, u: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Differentiate ``D = seed sum_n (w_n . dE/dr_n + u_n dE/dq_n)``, the slope of E as positions move by w and charges by u."""
        lattice, (xy, both) = ctx.lattice, ctx.arrays
        charges, seed, potential, field = ctx.saved_tensors
        n = charges.shape[-1]
        by_displacement = (w * field).sum(-1)
        k_dot_w = 2.0 * math.pi * w @ lattice.inverse  # [F, n, 3]: k.w = n_x, n_y, n_z times these
        turn = charges[..., None] * k_dot_w
        n_x, n_y = lattice.in_plane()
        turn_xy = turn[..., :1] * n_x + turn[..., 1:2] * n_y  # [F, n, X Y]
        first = xy * torch.complex(u[..., None].expand_as(turn_xy), turn_xy)
        second = xy * (1j * turn[..., 2:])
        rate = lattice.structure_factor(torch.cat([first, second], 1), both)  # dS along (w, u)
        of_rate = both[:, :n] @ (lattice.weight * rate.conj()).transpose(-1, -2)  # [F, n, X Y]
        by_charge = 2.0 * (xy * of_rate).sum(-1).real + by_displacement
        slope = (charges * by_displacement + u * potential).sum(-1)
        return seed[:, None] * by_charge, slope, None, None


class _PositionDependence(torch.autograd.Function):
    """Zeros, added to what `_Gradient` gives; its backward is what that leaves out, by autograd of the plain form."""

    @staticmethod
    def forward(
        ctx: Any, positions: Tensor, charges: Tensor, seed: Tensor, lattice: _Lattice
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(positions, charges, seed)
        ctx.lattice = lattice
        return torch.zeros_like(positions), torch.zeros_like(charges)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, w: Tensor, u: Tensor) -> tuple[Tensor, None, None, None]:
        positions, charges, seed = (tensor.detach() for tensor in ctx.saved_tensors)
        positions.requires_grad_(True)
        charges.requires_grad_(True)
        with torch.enable_grad():
            energy = (seed * ctx.lattice.energy(positions, charges)).sum()
            by_position, by_charge = torch.autograd.grad(energy, (positions, charges), create_graph=True)
            slope = (w * by_position).sum() + (u * by_charge).sum()
            return torch.autograd.grad(slope, positions)[0], None, None, None
