# SPDX-License-Identifier: MIT
"""Interaction blocks of MACE between the features of an atom and the messages that it receives.

Each class takes the weights of one block of ``mace.modules.blocks`` and computes messages for the first `n` atoms only. What is sent
is already transformed by the block's ``linear_up``, so that a ghost needs nothing else.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AverageNumber(nn.Module):
    """Normalization by the average number of neighbors."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.n_neighbors = float(block.avg_num_neighbors)

    def forward(self, pair_features: Tensor, envelope: Tensor | None, edge_index: Tensor, n: int) -> Tensor:
        """[1], for all atoms."""
        return pair_features.new_full([1], self.n_neighbors)


class LearnedDensity(nn.Module):
    """Normalization by a learned density of neighbors."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.density_fn = block.density_fn
        self.alpha, self.beta = getattr(block, "alpha", 1.0), getattr(block, "beta", 1.0)

    def forward(self, pair_features: Tensor, envelope: Tensor | None, edge_index: Tensor, n: int) -> Tensor:
        """[n, 1], ``beta density + alpha``; both are 1 in blocks that do not learn them."""
        edge_density = torch.tanh(self.density_fn(pair_features) ** 2)
        if envelope is not None:
            edge_density = edge_density * envelope
        density = edge_density.new_zeros([n, 1]).index_add(0, edge_index[0], edge_density)
        return density * self.beta + self.alpha


class Interaction(nn.Module):
    """The order of computation of all blocks: subclasses say what enters the convolution weights, and what becomes of the sums."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.linear_up = block.linear_up
        self.conv_tp = block.conv_tp
        self.conv_tp_weights = block.conv_tp_weights
        self.reshape = block.reshape
        self.normalization = LearnedDensity(block) if hasattr(block, "density_fn") else AverageNumber(block)

    def sent(self, features: Tensor, one_hot: Tensor) -> Tensor:
        """Message of each atom, [n, W]; `one_hot` [n, S]."""
        return self.linear_up(features)

    def convolved(self, sent: Tensor) -> Tensor:
        """The part of the messages that is convolved with the edges, [n_atoms, W']."""
        return sent

    def pair_features(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_features: Tensor,
        edge_index: Tensor,
        n: int,
    ) -> Tensor:
        """Input of the convolution weights of each edge, [E, P]."""
        return edge_features

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
        """Aggregated messages [n, C, (L+1)^2], and what the product block adds, [n, F'] or None.

        Parameters
        ----------
        one_hot
            [n_atoms, S].
        features
            [n, F], of the atoms that receive.
        sent
            [n_atoms, W], messages of all atoms.
        edge_attributes, edge_features, envelope
            Of each edge: harmonics, radial functions, and a factor on the weights where it is not part of these.
        edge_index
            [2, E].
        n
            Number of atoms that receive.
        """
        pair_features = self.pair_features(one_hot, features, sent, edge_features, edge_index, n)
        weights = self.conv_tp_weights(pair_features)
        if envelope is not None:
            weights = weights * envelope
        neighbors = self.convolved(sent).index_select(0, edge_index[1])
        messages = self.conv_tp(neighbors, edge_attributes, weights)
        sums = messages.new_zeros([n, messages.size(1)]).index_add(0, edge_index[0], messages)
        normalization = self.normalization(pair_features, envelope, edge_index, n)
        return self.update(sums, normalization, one_hot[:n], features)


class Agnostic(Interaction):
    """RealAgnostic(Density)InteractionBlock: the element acts after the convolution; there is no skip connection."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_tp = block.linear, block.skip_tp

    def update(
        self, sums: Tensor, normalization: Tensor, one_hot: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Result of `forward` from the sums over neighbors [n, M]."""
        return self.reshape(self.skip_tp(self.linear(sums) / normalization, one_hot)), None


class AgnosticResidual(Agnostic):
    """RealAgnostic(Density)ResidualInteractionBlock: the element acts on the atom's own features, which are added later."""

    def update(
        self, sums: Tensor, normalization: Tensor, one_hot: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        return self.reshape(self.linear(sums) / normalization), self.skip_tp(features, one_hot)


class AttentionResidual(Interaction):
    """RealAgnosticAttResidualInteractionBlock: the convolution weights depend on the features of both atoms."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.linear, self.skip_linear, self.linear_down = block.linear, block.skip_linear, block.linear_down
        self.n_down = block.node_feats_down_irreps.dim

    def sent(self, features: Tensor, one_hot: Tensor) -> Tensor:
        return torch.cat([self.linear_up(features), self.linear_down(features)], dim=1)

    def convolved(self, sent: Tensor) -> Tensor:
        return sent[:, : sent.size(1) - self.n_down]

    def pair_features(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_features: Tensor,
        edge_index: Tensor,
        n: int,
    ) -> Tensor:
        sender = sent[:, sent.size(1) - self.n_down :].index_select(0, edge_index[1])
        receiver = self.linear_down(features).index_select(0, edge_index[0])
        return torch.cat([edge_features, sender, receiver], dim=1)

    def update(
        self, sums: Tensor, normalization: Tensor, one_hot: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        return self.reshape(self.linear(sums) / normalization), self.skip_linear(features)


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
        self.gate = Gate(block.equivariant_nonlin)
        self.source_embedding, self.target_embedding = block.source_embedding, block.target_embedding

    def pair_features(
        self,
        one_hot: Tensor,
        features: Tensor,
        sent: Tensor,
        edge_features: Tensor,
        edge_index: Tensor,
        n: int,
    ) -> Tensor:
        sender = self.source_embedding(one_hot).index_select(0, edge_index[1])
        receiver = self.target_embedding(one_hot[:n]).index_select(0, edge_index[0])
        return torch.cat([edge_features, sender, receiver], dim=1)

    def update(
        self, sums: Tensor, normalization: Tensor, one_hot: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        message = self.linear_1(sums) / normalization + self.linear_res(self.linear_up(features))
        return self.reshape(self.linear_2(self.gate(message))), self.skip_tp(features)


INTERACTIONS = {
    "RealAgnosticInteractionBlock": Agnostic,
    "RealAgnosticResidualInteractionBlock": AgnosticResidual,
    "RealAgnosticDensityInteractionBlock": Agnostic,
    "RealAgnosticDensityResidualInteractionBlock": AgnosticResidual,
    "RealAgnosticAttResidualInteractionBlock": AttentionResidual,
    "RealAgnosticResidualNonLinearInteractionBlock": NonLinearResidual,
}
"""By the class of the block in ``mace.modules.blocks``."""
