# SPDX-License-Identifier: MIT
"""Cartesian atomic cluster expansion, from B. Cheng, npj Comput. Mater. 10, 157 (2024), doi:10.1038/s41524-024-01332-4.

For center i, neighbor j, radial channel n, angular monomial l = (l_x, l_y, l_z) and chemical channel c = (a, b)::

    chi_ij,nlc = R_n(r_ij) x^l_x y^l_y z^l_z s_a(z_j) r_b(z_i)                (x, y, z the unit vector)
    A(0)_i,nlc = sum_j sum_n' chi_ij,n'lc W^|l|_n'n,c
    A(t)_i,nlc = f sum_j h_|l|c(B(t-1)_j) sum_n' chi_ij,n'lc W^|l|_n'n,c      (layers t > 0, f their norm)
    B_i,nkc    = A_i,n0c and sums over l of products of A, which are invariant

s and r are embeddings of the element as sender and receiver, W is shared by all layers, h is linear in B or a small network. Energies and
charges are functions of all B of an atom. The arguments of `CaceStage` are the parts of a file, read by `adapter`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..stages import LocalNetwork, network_of_stages


class Radial(nn.Module):
    """Bessel functions with trained wave numbers, times a polynomial that goes to 0 at the cutoff, [E, n']."""

    def __init__(self, wave_numbers: Tensor, cutoff: float, power: float) -> None:
        super().__init__()
        self.register_buffer("wave_numbers", wave_numbers.clone())
        self.cutoff, self.power = cutoff, power
        self.prefactor = math.sqrt(2.0 / cutoff)

    def forward(self, r: Tensor) -> Tensor:
        """`r` [E, 1], angstrom."""
        p, x = self.power, (r / self.cutoff).clamp(max=1.0)
        envelope = 1.0 - x.pow(p) * (
            0.5 * (p + 1.0) * (p + 2.0) - p * (p + 2.0) * x + 0.5 * p * (p + 1.0) * x.square()
        )
        return self.prefactor * torch.sin(self.wave_numbers * r) / r * envelope


class Density(nn.Module):
    """A of this module's docstring, [n, N, L, C]; `monomials` are (l_x, l_y, l_z), those of one degree together."""

    def __init__(
        self, radial: Radial, monomials: list[tuple[int, int, int]], transform: list[Tensor], receiver: Tensor
    ) -> None:
        super().__init__()
        self.radial = radial
        degrees = [sum(exponents) for exponents in monomials]
        self.counts = [degrees.count(degree) for degree in range(max(degrees) + 1)]
        self.n_channels = int(transform[0].shape[2])
        self.exponents = [list(exponents) for exponents in monomials]
        self.register_buffer("transform", torch.stack(transform))  # [degrees, n', N, C]
        # [S, C]: the receiver's factor, the same for every sender channel
        self.register_buffer("receiver", receiver.repeat(1, self.n_channels // receiver.shape[1]))

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, sent: Tensor, n: int
    ) -> Tensor:
        """`sent` [n_atoms, degrees * C]: what multiplies chi of each neighbor, without its receiver's factor."""
        r = edge_vectors.square().sum(1, keepdim=True).sqrt()
        radial, unit = self.radial(r), edge_vectors / r
        of_neighbor = sent.index_select(0, edge_index[1]).view(-1, len(self.counts), self.n_channels)
        of_center = self.receiver.index_select(0, species[:n])[:, None, None, :]
        parts: list[Tensor] = []
        first = 0
        for degree, count in enumerate(self.counts):
            angular = self.monomials(unit, first, count)
            basis = (radial[:, :, None] * angular[:, None, :])[..., None] * of_neighbor[
                :, degree, None, None, :
            ]
            sums = basis.new_zeros([n, basis.size(1), count, self.n_channels]).index_add(
                0, edge_index[0], basis
            )
            parts.append(torch.einsum("nkac,kmc->nmac", sums * of_center, self.transform[degree]))
            first += count
        return torch.cat(parts, dim=2)

    def monomials(self, unit: Tensor, first: int, count: int) -> Tensor:
        """[E, count], products of components, so that derivatives at 0 are finite."""
        columns: list[Tensor] = []
        for exponents in self.exponents[first : first + count]:
            product = torch.ones_like(unit[:, 0])
            for axis, exponent in enumerate(exponents):
                for _ in range(exponent):
                    product = product * unit[:, axis]
            columns.append(product)
        return torch.stack(columns, dim=1)


class Invariants(nn.Module):
    """B: A of degree 0, then for each order and invariant the sum of products of A, flattened [n, N * K * C].

    `terms` is a list by order of ``(place of the invariant, indices of the factors, coefficient)``.
    """

    def __init__(
        self, terms: list[list[tuple[int, list[int], float]]], n_invariants: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.n_invariants = n_invariants
        self.orders = [len(order[0][1]) for order in terms]
        self.register_buffer("places", torch.tensor([place for order in terms for place, _, _ in order]))
        self.register_buffer(
            "factors",
            torch.tensor([index for order in terms for _, indices, _ in order for index in indices]),
        )
        self.register_buffer(
            "coefficients", torch.tensor([c for order in terms for _, _, c in order], dtype=dtype)
        )
        self.counts = [len(order) for order in terms]

    def forward(self, density: Tensor) -> Tensor:
        invariants = density.new_zeros([density.size(0), density.size(1), self.n_invariants, density.size(3)])
        first, first_factor = 0, 0
        for order, count in zip(self.orders, self.counts):  # noqa: B905 - TorchScript has no strict
            factors = self.factors[first_factor : first_factor + order * count].view(count, order)
            product = density.index_select(2, factors[:, 0])
            for k in range(1, order):
                product = product * density.index_select(2, factors[:, k])
            product = product * self.coefficients[first : first + count, None]
            invariants = invariants.index_add(2, self.places[first : first + count], product)
            first, first_factor = first + count, first_factor + order * count
        return invariants.flatten(1)


class Readout(nn.Module):
    """A small network and a linear map side by side, [n, F] to [n], times `factor`."""

    def __init__(self, network: nn.Module, linear: nn.Module | None, factor: float) -> None:
        super().__init__()
        self.network = network
        self.has_linear = linear is not None
        self.linear = nn.Identity() if linear is None else linear
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        y = self.network(x)
        if self.has_linear:
            y = y + self.linear(x)
        return y[:, 0] * self.factor


class Sum(nn.Module):
    """Sum of readouts; zeros without any."""

    def __init__(self, readouts: list[nn.Module]) -> None:
        super().__init__()
        self.readouts = nn.ModuleList(readouts)

    def forward(self, x: Tensor) -> Tensor:
        total = x.new_zeros([x.size(0)])
        for readout in self.readouts:
            total = total + readout(x)
        return total


class CaceStage(nn.Module):
    """One layer of CACE as a stage (`pair_les.convert.stages`)."""

    def __init__(
        self,
        density: Density,
        invariants: Invariants,
        sender: Tensor,
        norm: float,
        message: nn.Module | None,
        outputs: tuple[nn.Module, nn.Module] | None,
        first: bool,
    ) -> None:
        super().__init__()
        self.density, self.invariants = density, invariants
        self.register_buffer("sender", sender.clone())  # [S, degrees * C]
        self.norm, self.first, self.last = norm, first, message is None
        self.message = nn.Identity() if message is None else message
        self.energy, self.charge = outputs if outputs is not None else (Sum([]), Sum([]))

    def forward(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        if self.first:
            received = self.sender.index_select(0, species)
        density = self.density(species, edge_index, edge_vectors, received, n) * self.norm
        invariants = self.invariants(density)
        kept = kept + [invariants]
        if self.last:
            features = torch.stack(kept, dim=-1).flatten(1)  # layers are the fastest index
            return edge_vectors.new_empty([n, 0]), [self.energy(features), self.charge(features), features]
        return self.message(invariants) * self.sender.index_select(0, species[:n]), kept


def build_stages(
    density: Density,
    invariants: Invariants,
    sender: Tensor,
    norm: float,
    messages: list[nn.Module],
    outputs: tuple[nn.Module, nn.Module],
    charged: bool,
) -> LocalNetwork:
    """The stages of a CACE model.

    Parameters
    ----------
    density, invariants
        Shared by all layers.
    sender
        [S, A], embedding of each species as a sender.
    norm
        Factor of A in the layers that receive messages.
    messages
        h of each message-passing layer.
    outputs
        Energy and charge of the features of all layers.
    charged
        Whether the model has charges.
    """
    n_degrees, n_channels = len(density.counts), density.n_channels
    by_channel = sender.repeat_interleave(n_channels // sender.shape[1], dim=1)
    factor = by_channel.repeat(1, n_degrees)
    stages: list[nn.Module] = []
    for number in range(len(messages) + 1):
        last = number == len(messages)
        stages.append(
            CaceStage(
                density,
                invariants,
                factor,
                1.0 if number == 0 else norm,
                None if last else messages[number],
                outputs if last else None,
                number == 0,
            )
        )
    n_features = density.transform.size(2) * invariants.n_invariants * n_channels * len(stages)
    return network_of_stages(stages, charged, [n_degrees * n_channels] * len(messages), n_features)
