# SPDX-License-Identifier: MIT
"""A MACE model as stages: interaction, product and readouts of one layer each.

MACE sums over senders with vectors from the sender to the receiver; the contract's centers are the receivers, and its edge vectors
point to the neighbors, so that MACE's vectors are minus these.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..stages import LocalNetwork, leading_scalars, network_of_stages
from .interactions import INTERACTIONS


class EdgeBasis(nn.Module):
    """Spherical harmonics and radial functions of the edges."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.spherical_harmonics = model.spherical_harmonics
        self.radial_embedding = model.radial_embedding
        self.register_buffer("atomic_numbers", model.atomic_numbers.clone(), persistent=False)

    def forward(
        self, one_hot: Tensor, edge_index: Tensor, edge_vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Edge attributes, edge features, and the envelope where it is not part of the features."""
        vectors = -edge_vectors
        lengths = vectors.square().sum(1, keepdim=True).sqrt()
        features, envelope = self.radial_embedding(lengths, one_hot, edge_index.flip(0), self.atomic_numbers)
        return self.spherical_harmonics(vectors), features, envelope


class Repulsion(nn.Module):
    """Repulsion of nuclei (ZBL), before scale and shift."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.pair_repulsion_fn = model.pair_repulsion_fn
        self.register_buffer("atomic_numbers", model.atomic_numbers.clone(), persistent=False)

    def forward(self, one_hot: Tensor, edge_index: Tensor, edge_vectors: Tensor, n: int) -> Tensor:
        """Energy of each of the first `n` atoms, [n]."""
        lengths = edge_vectors.square().sum(1, keepdim=True).sqrt()
        return self.pair_repulsion_fn(lengths, one_hot, edge_index.flip(0), self.atomic_numbers)[:n]


class NoRepulsion(nn.Module):
    """Stand-in for `Repulsion` in models without repulsion of nuclei."""

    def forward(self, one_hot: Tensor, edge_index: Tensor, edge_vectors: Tensor, n: int) -> Tensor:
        """Zeros, [n]."""
        return edge_vectors.new_zeros([n])


class Readout(nn.Module):
    """One head of a readout block of MACE."""

    def __init__(self, block: nn.Module, head: int) -> None:
        super().__init__()
        self.block = block
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """[n, F] to [n]."""
        heads = torch.full([features.size(0)], self.head, dtype=torch.int64, device=features.device)
        return self.block(features, heads)[:, self.head]


class NoReadout(nn.Module):
    """Stand-in for `Readout` in layers without readout."""

    def forward(self, features: Tensor) -> Tensor:
        """Zeros, [n]."""
        return features.new_zeros([features.size(0)])


class Elements(nn.Module):
    """Numbers that depend on the element only: MACE's one-hot vectors, and the features that the first layer starts from."""

    def __init__(self, model: nn.Module, indices: list[int]) -> None:
        super().__init__()
        self.embedding = model.node_embedding
        one_hot = torch.eye(len(model.atomic_numbers), dtype=model.node_embedding.linear.weight.dtype)
        self.register_buffer("one_hot", one_hot[indices], persistent=False)

    def forward(self) -> Tensor:
        """[S, F], by the species of the model file."""
        return self.embedding(self.one_hot)


class MaceStage(nn.Module):
    """One layer of MACE as a stage (`pair_les.convert.stages`). `first` and `last` are the first and last layer; one may be both."""

    def __init__(
        self,
        model: nn.Module,
        number: int,
        elements: Elements,
        edge_basis: EdgeBasis,
        interactions: list[nn.Module],
        readouts: tuple[nn.Module, nn.Module],
        head: int,
    ) -> None:
        super().__init__()
        self.first = number == 0
        self.last = number == len(interactions) - 1
        self.elements = elements
        self.edge_basis = edge_basis
        self.repulsion = Repulsion(model) if hasattr(model, "pair_repulsion_fn") else NoRepulsion()
        self.interaction = interactions[number]
        self.next_interaction = interactions[number if self.last else number + 1]
        self.product = model.products[number]
        self.readout, self.charge_readout = readouts
        scale, shift = _scale_and_shift(model, head)
        self.scale, self.shift = scale, shift
        self.n_scalars = leading_scalars(model.products[number].linear.irreps_out)

    def forward(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        one_hot = self.elements.one_hot.index_select(0, species)
        if self.first:
            embedded = self.elements()
            features = embedded.index_select(0, species[:n])
            received = self.interaction.sent(embedded, self.elements.one_hot).index_select(0, species)
            energy = self.repulsion(one_hot, edge_index, edge_vectors, n)
            charge, scalars = edge_vectors.new_zeros([n]), edge_vectors.new_zeros([n, 0])
        else:
            features, energy, charge, scalars = kept[0], kept[1], kept[2], kept[3]
        attributes, edge_features, envelope = self.edge_basis(one_hot, edge_index, edge_vectors)
        aggregated, skip = self.interaction(
            one_hot, features, received, attributes, edge_features, envelope, edge_index, n
        )
        features = self.product(aggregated, skip, one_hot[:n])
        energy = energy + self.readout(features)
        charge = charge + self.charge_readout(features)
        scalars = torch.cat([scalars, features[:, : self.n_scalars]], dim=1)
        if self.last:
            return edge_vectors.new_empty([n, 0]), [energy * self.scale + self.shift, charge, scalars]
        return self.next_interaction.sent(features, one_hot[:n]), [features, energy, charge, scalars]


def _scale_and_shift(model: nn.Module, head: int) -> tuple[float, float]:
    """Return scale and shift of the head; 1 and 0 for a model of class MACE."""
    block = getattr(model, "scale_shift", None)
    if block is None:
        return 1.0, 0.0
    scale, shift = torch.atleast_1d(block.scale).flatten(), torch.atleast_1d(block.shift).flatten()
    return float(scale[head if len(scale) > 1 else 0]), float(shift[head if len(shift) > 1 else 0])


def build_stages(model: nn.Module, indices: list[int], head: int) -> LocalNetwork:
    """The stages of a MACE model for some of its elements.

    Parameters
    ----------
    model
        MACE, ScaleShiftMACE or MACELES in eval mode.
    indices
        Position of each species of the model file among ``model.atomic_numbers``.
    head
        Position among ``model.heads``.
    """
    interactions: list[nn.Module] = [
        INTERACTIONS[type(block).__name__](block) for block in model.interactions
    ]
    elements = Elements(model, indices)
    edge_basis = EdgeBasis(model)
    charged = hasattr(model, "les_readouts")
    n_layers = len(interactions)
    stages: list[MaceStage] = []
    widths = []
    for number in range(n_layers):
        # a model with one readout has that of its last layer
        at = number if len(model.readouts) == n_layers else number - (n_layers - len(model.readouts))
        energy = Readout(model.readouts[at], head) if at >= 0 else NoReadout()
        charge = Readout(model.les_readouts[at], head) if charged and at >= 0 else NoReadout()
        stages.append(MaceStage(model, number, elements, edge_basis, interactions, (energy, charge), head))
        if number > 0:
            up = interactions[number].linear_up.irreps_out.dim
            widths.append(up + getattr(interactions[number], "n_down", 0))
    n_features = sum(stage.n_scalars for stage in stages)
    return network_of_stages(stages, charged, widths, n_features)
