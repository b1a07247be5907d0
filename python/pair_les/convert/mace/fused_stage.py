# SPDX-License-Identifier: MIT
"""A layer of MACE as a stage in the operators `convolution` and `contraction`.

Arrays of features have components first, ``[2 l + 1 of all l, n, channels]``, so that linear maps are batched matrix products. On
devices without the operators their twins run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..fused.contraction import contraction
from ..fused.convolution import convolution
from .layer_weights import LayerWeights


def species_products(x: Tensor, weights: Tensor, species: Tensor) -> Tensor:
    """Batched matrix products ``[r, n, C] [S or 1, r, C, D]`` with the matrices of the species of each atom: ``[r, n, D]``."""
    if weights.size(0) == 1:
        return torch.bmm(x, weights[0])
    order = torch.argsort(species, stable=True)
    counts: list[int] = torch.bincount(species, minlength=weights.size(0)).tolist()
    parts: list[Tensor] = []
    for kind, part in enumerate(torch.split(x.index_select(1, order), counts, 1)):
        parts.append(torch.bmm(part, weights[kind]))
    return torch.cat(parts, 1).index_select(1, torch.argsort(order))


def atoms_first(x: Tensor) -> Tensor:
    """``[r, n, C]`` as ``[n, r C]``."""
    return x.transpose(0, 1).reshape(x.size(1), x.size(0) * x.size(2))


class FusedConvolution(nn.Module):
    """Messages of the neighbors to densities, with normalization and the linear map that follows.

    Parameters
    ----------
    weights
        Of the layer.
    cutoff
        Angstrom.
    dtype
        Of the network.
    """

    def __init__(self, weights: LayerWeights, cutoff: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.n_channels, self.n_padded = weights.n_channels, weights.table.size(4)
        self.n_sent = weights.up.size(0)
        self.n_densities = int(weights.row_of_sum.max()) + 1
        self.one_table = weights.table.size(0) == 1
        self.one_row_each = weights.row_of_sum.tolist() == list(range(self.n_densities))
        self.alpha, self.beta = weights.density_alpha, weights.density_beta
        self.with_density = weights.density_table is not None
        density_table = weights.density_table if self.with_density else torch.zeros(1, 2, 4, 1, 16)
        for name, value in (
            ("table", weights.table),
            ("couplings", weights.couplings),
            ("mix", weights.mix),
            ("density_table", density_table),
            ("constant_coupling", torch.tensor([[1.0, 0.0, 0.0, 0.0]])),
        ):
            self.register_buffer(name, value.to(dtype).contiguous())
        self.register_buffer("degrees", weights.degrees)
        self.register_buffer("scalar_degrees", torch.zeros(1, 2, dtype=torch.int64))
        self.register_buffer("row_of_sum", weights.row_of_sum)
        self.register_buffer("table_of_pair", weights.table_of_pair)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, received: Tensor, n: int
    ) -> Tensor:
        """``[n_densities, n, C']`` of the first `n` atoms from messages ``[n_atoms, n_sent n_channels]``."""
        messages = received.reshape(species.size(0), self.n_sent, self.n_channels)
        if self.n_padded > self.n_channels:
            messages = torch.nn.functional.pad(messages, [0, self.n_padded - self.n_channels])
        of_edge = edge_index[0][:0]
        if not self.one_table:
            of_edge = self.table_of_pair[species[edge_index[0]], species[edge_index[1]]]
        sums = self.convolved(
            edge_index, edge_vectors, messages, self.table, of_edge, self.couplings, self.degrees, n
        )
        mixed = species_products(sums, self.mix, species[:n])
        if not self.one_row_each:
            densities = mixed.new_zeros([self.n_densities, n, mixed.size(2)])
            mixed = densities.index_add(0, self.row_of_sum, mixed)
        if self.with_density:
            ones = edge_vectors.new_ones([species.size(0), 1, self.density_table.size(4)])
            density = self.convolved(
                edge_index, edge_vectors, ones, self.density_table, of_edge,
                self.constant_coupling, self.scalar_degrees, n,
            )  # fmt: skip
            mixed = mixed / (density[:, :, :1] * self.beta + self.alpha)
        return mixed

    def convolved(
        self,
        edge_index: Tensor,
        edge_vectors: Tensor,
        messages: Tensor,
        table: Tensor,
        table_of_edge: Tensor,
        couplings: Tensor,
        degrees: Tensor,
        n: int,
    ) -> Tensor:
        """The operator, or its twin."""
        center, neighbor = edge_index[0], edge_index[1]
        if edge_vectors.device.type == "cpu":
            return torch.ops.pair_les.convolution(
                edge_vectors, center, neighbor, messages, table, table_of_edge, couplings, degrees, n, self.cutoff
            )  # fmt: skip
        return convolution(
            edge_vectors, center, neighbor, messages, table, table_of_edge, couplings, degrees, n, self.cutoff
        )  # fmt: skip


class FusedProducts(nn.Module):
    """Densities to features: polynomials of the densities of a channel, and a linear map."""

    def __init__(self, weights: LayerWeights, dtype: torch.dtype) -> None:
        super().__init__()
        self.n_outputs = weights.out.size(0)
        self.register_buffer("terms", weights.terms)
        self.register_buffer("coefficients", weights.coefficients.to(dtype).contiguous())
        self.register_buffer("out", weights.out.to(dtype).contiguous())

    def forward(self, densities: Tensor, species: Tensor) -> Tensor:
        """``[n_outputs, n, F]``."""
        if densities.device.type == "cpu":
            products = torch.ops.pair_les.contraction(
                densities, species, self.coefficients, self.terms, self.n_outputs
            )
        else:
            products = contraction(densities, species, self.coefficients, self.terms, self.n_outputs)
        return torch.bmm(products, self.out)


class FusedMaceStage(nn.Module):
    """One layer of MACE as a stage (`pair_les.convert.stages`), beside the `MaceStage` of the same layer.

    Parameters
    ----------
    plain
        The stage in MACE's own modules, whose readouts and repulsion are used.
    weights
        Of all layers.
    number
        Of this layer.
    cutoff
        Angstrom.
    embedding
        float64 ``[S, F]``, features that the first layer starts from.
    """

    def __init__(
        self, plain: Any, weights: list[LayerWeights], number: int, cutoff: float, embedding: Tensor
    ) -> None:
        super().__init__()
        self.first, self.last = plain.first, plain.last
        self.elements, self.repulsion = plain.elements, plain.repulsion
        self.readout, self.charge_readout = plain.readout, plain.charge_readout
        self.scale, self.shift = plain.scale, plain.shift
        dtype = plain.elements.one_hot.dtype
        own, following = weights[number], weights[number if self.last else number + 1]
        self.convolution = FusedConvolution(own, cutoff, dtype)
        self.products = FusedProducts(own, dtype)
        self.n_before = own.up.size(0)
        self.n_outputs, self.n_sent = own.out.size(0), following.n_channels
        self.has_skip = own.skip is not None
        skip = own.skip if own.skip is not None else torch.zeros(0)
        starting, skipped = torch.zeros(0), torch.zeros(0)
        if self.first:  # features depend on the species alone
            starting = torch.einsum("sf,fc->sc", embedding, own.up[0])[:, : own.n_channels]
            if self.has_skip:
                skipped = torch.einsum("sf,srfg->rsg", embedding, skip[:, :1])
                skipped = torch.nn.functional.pad(skipped, [0, 0, 0, 0, 0, self.n_outputs - 1])
                skip = torch.zeros(0)
        for name, value in (
            ("starting_messages", starting),
            ("starting_skip", skipped),
            ("skip", skip),
            ("up", torch.zeros(0) if self.last else following.up[:, :, : self.n_sent]),
        ):
            self.register_buffer(name, value.to(dtype).contiguous())

    def forward(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        own = species[:n]
        if self.first:
            received = self.starting_messages.index_select(0, species)
            one_hot = self.elements.one_hot.index_select(0, species)
            energy = self.repulsion(one_hot, edge_index, edge_vectors, n)
            charge, scalars = edge_vectors.new_zeros([n]), edge_vectors.new_zeros([n, 0])
        else:
            energy, charge, scalars = kept[1], kept[2], kept[3]
        densities = self.convolution(species, edge_index, edge_vectors, received, n)
        features = self.products(densities, own)
        if self.has_skip:
            if self.first:
                features = features + self.starting_skip.index_select(1, own)
            else:
                before = kept[0].reshape(n, self.n_before, kept[0].size(1) // self.n_before)
                before = before.transpose(0, 1)[: self.n_outputs]
                features = features + species_products(before, self.skip, own)
        in_order = self.in_order(features)
        energy = energy + self.readout(in_order)
        charge = charge + self.charge_readout(in_order)
        scalars = torch.cat([scalars, features[0]], dim=1)
        if self.last:
            return edge_vectors.new_empty([n, 0]), [energy * self.scale + self.shift, charge, scalars]
        sent = atoms_first(torch.bmm(features[: self.up.size(0)], self.up))
        return sent, [atoms_first(features), energy, charge, scalars]

    def in_order(self, features: Tensor) -> Tensor:
        """``[n, n_outputs F]`` in the order of e3nn: by degree, channel, component."""
        n, channels = features.size(1), features.size(2)
        parts: list[Tensor] = []
        first, degree = 0, 0
        while first < self.n_outputs:
            size = 2 * degree + 1
            parts.append(features[first : first + size].permute(1, 2, 0).reshape(n, channels * size))
            first, degree = first + size, degree + 1
        return torch.cat(parts, dim=1)
