# SPDX-License-Identifier: MIT
"""Interaction blocks of MACE between what an atom keeps and what it receives.

Each class takes the weights of one block of ``mace.modules.blocks`` and computes messages for the first `n` atoms only. What is sent
is already transformed by the block's ``linear_up``, so that a ghost needs nothing else. All have the signature::

    interaction(one_hot [n_atoms, S], features [n, F], sent [n_atoms, W], edge_attributes, edge_features, envelope, edge_index, n)
        -> aggregated [n, C, (L+1)^2], skip [n, F'] or None
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Interaction(nn.Module):
    """Parts that all blocks have; the older class RealAgnosticInteractionBlock has no skip connection."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.linear_up = block.linear_up
        self.conv_tp = block.conv_tp
        self.conv_tp_weights = block.conv_tp_weights
        self.reshape = block.reshape

    def sent(self, features: Tensor, one_hot: Tensor) -> Tensor:
        """Message of each atom, [n, W]; `one_hot` [n, S]."""
        return self.linear_up(features)

    def convolve(
        self, sent: Tensor, edge_attributes: Tensor, weights: Tensor, edge_index: Tensor, n: int
    ) -> Tensor:
        """Sum over the neighbors of each center, [n, M]."""
        messages = self.conv_tp(sent.index_select(0, edge_index[1]), edge_attributes, weights)
        return messages.new_zeros([n, messages.size(1)]).index_add(0, edge_index[0], messages)


class Agnostic(Interaction):
    """RealAgnosticInteractionBlock: the element acts after the convolution."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_tp = block.linear, block.skip_tp
        self.n_neighbors = float(block.avg_num_neighbors)

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        weights = self.conv_tp_weights(edge_features)
        if envelope is not None:
            weights = weights * envelope
        sums = self.convolve(sent, edge_attributes, weights, edge_index, n)
        return self.reshape(self.skip_tp(self.linear(sums) / self.n_neighbors, one_hot[:n])), None


class AgnosticResidual(Interaction):
    """RealAgnosticResidualInteractionBlock: the element acts on the atom's own features, which are added later."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_tp = block.linear, block.skip_tp
        self.n_neighbors = float(block.avg_num_neighbors)

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        skip = self.skip_tp(features, one_hot[:n])
        weights = self.conv_tp_weights(edge_features)
        if envelope is not None:
            weights = weights * envelope
        sums = self.convolve(sent, edge_attributes, weights, edge_index, n)
        return self.reshape(self.linear(sums) / self.n_neighbors), skip


class Density(Interaction):
    """Normalization by a learned density of neighbors instead of their average number."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_tp, self.density_fn = block.linear, block.skip_tp, block.density_fn

    def normalized(
        self,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> Tensor:
        """Sum over neighbors divided by 1 + density, [n, M']."""
        weights = self.conv_tp_weights(edge_features)
        of_edge = torch.tanh(self.density_fn(edge_features) ** 2)
        if envelope is not None:
            weights = weights * envelope
            of_edge = of_edge * envelope
        density = of_edge.new_zeros([n, 1]).index_add(0, edge_index[0], of_edge)
        sums = self.convolve(sent, edge_attributes, weights, edge_index, n)
        return self.linear(sums) / (density + 1)


class AgnosticDensity(Density):
    """RealAgnosticDensityInteractionBlock."""

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        sums = self.normalized(sent, edge_attributes, edge_features, envelope, edge_index, n)
        return self.reshape(self.skip_tp(sums, one_hot[:n])), None


class AgnosticDensityResidual(Density):
    """RealAgnosticDensityResidualInteractionBlock."""

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        skip = self.skip_tp(features, one_hot[:n])
        sums = self.normalized(sent, edge_attributes, edge_features, envelope, edge_index, n)
        return self.reshape(sums), skip


class AttentionResidual(Interaction):
    """RealAgnosticAttResidualInteractionBlock: the convolution weights depend on the features of both atoms."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_linear, self.linear_down = block.linear, block.skip_linear, block.linear_down
        self.n_neighbors = float(block.avg_num_neighbors)
        self.n_down = block.node_feats_down_irreps.dim

    def sent(self, features: Tensor, one_hot: Tensor) -> Tensor:
        return torch.cat([self.linear_up(features), self.linear_down(features)], dim=1)

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        n_up = sent.size(1) - self.n_down
        down = sent[:, n_up:]
        of_center = self.linear_down(features)
        of_pair = [
            edge_features,
            down.index_select(0, edge_index[1]),
            of_center.index_select(0, edge_index[0]),
        ]
        weights = self.conv_tp_weights(torch.cat(of_pair, dim=1))
        if envelope is not None:
            weights = weights * envelope
        sums = self.convolve(sent[:, :n_up], edge_attributes, weights, edge_index, n)
        return self.reshape(self.linear(sums) / self.n_neighbors), self.skip_linear(features)


class Gate(nn.Module):
    """Scalars through silu, and other features times sigmoids of scalars; MACE's own class has no TorchScript.

    Input is sorted by degree: scalars, gates and gated features are ranges of it.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.scalars = (int(block._s_start), int(block._s_len))
        self.gates = (int(block._g_start), int(block._g_len))
        self.gated = [tuple(int(number) for number in group) for group in block._gated_info]
        self.scalar_factor, self.gate_factor = float(block._scalar_cst), float(block._gate_cst)

    def forward(self, x: Tensor) -> Tensor:
        """[n, F] to [n, F']."""
        scalars = torch.nn.functional.silu(x.narrow(1, self.scalars[0], self.scalars[1])) * self.scalar_factor
        gates = torch.sigmoid(x.narrow(1, self.gates[0], self.gates[1])) * self.gate_factor
        parts = [scalars]
        for start, length, dimension, multiplicity, first_gate in self.gated:
            features = x.narrow(1, start, length).reshape(x.size(0), multiplicity, dimension)
            gate = gates.narrow(1, first_gate, multiplicity).unsqueeze(2)
            parts.append((features * gate).reshape(x.size(0), length))
        return torch.cat(parts, dim=1)


class NonLinearResidual(Interaction):
    """RealAgnosticResidualNonLinearInteractionBlock: gated, with convolution weights of both elements."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.skip_tp, self.linear_res = block.skip_tp, block.linear_res
        self.linear_1, self.linear_2 = block.linear_1, block.linear_2
        self.gate, self.density_fn = Gate(block.equivariant_nonlin), block.density_fn
        self.source_embedding, self.target_embedding = block.source_embedding, block.target_embedding
        self.alpha, self.beta = block.alpha, block.beta

    def forward(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_attributes: Tensor,
        edge_features: Tensor,
        envelope: Tensor | None,
        edge_index: Tensor,
        n: int,
    ) -> tuple[Tensor, Tensor | None]:
        residual = self.linear_res(self.linear_up(features))
        of_source = self.source_embedding(one_hot).index_select(0, edge_index[1])
        of_target = self.target_embedding(one_hot[:n]).index_select(0, edge_index[0])
        of_pair = torch.cat([edge_features, of_source, of_target], dim=1)
        weights = self.conv_tp_weights(of_pair)
        of_edge = torch.tanh(self.density_fn(of_pair) ** 2)
        if envelope is not None:
            weights = weights * envelope
            of_edge = of_edge * envelope
        density = of_edge.new_zeros([n, 1]).index_add(0, edge_index[0], of_edge)
        sums = self.convolve(sent, edge_attributes, weights, edge_index, n)
        message = self.linear_1(sums) / (density * self.beta + self.alpha) + residual
        return self.reshape(self.linear_2(self.gate(message))), self.skip_tp(features)


INTERACTIONS = {
    "RealAgnosticInteractionBlock": Agnostic,
    "RealAgnosticResidualInteractionBlock": AgnosticResidual,
    "RealAgnosticDensityInteractionBlock": AgnosticDensity,
    "RealAgnosticDensityResidualInteractionBlock": AgnosticDensityResidual,
    "RealAgnosticAttResidualInteractionBlock": AttentionResidual,
    "RealAgnosticResidualNonLinearInteractionBlock": NonLinearResidual,
}
"""By the class of the block in ``mace.modules.blocks``."""
