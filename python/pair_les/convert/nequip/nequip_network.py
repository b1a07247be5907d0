# SPDX-License-Identifier: MIT
"""A NequIP model as stages: convolution, self-connection and nonlinearity of one layer each.

What is sent is already transformed by the next layer's first linear map. Edges have the direction of the contract.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..stages import LocalNetwork, leading_scalars, network_of_stages
from .blocks import (
    EdgeLengths,
    RadialBasis,
    build_perceptron,
    build_repulsion,
    by_species,
    neighbor_normalization,
)
from .e3nn_modules import (
    build_gate,
    build_harmonics,
    build_linear,
    build_self_connection,
    build_tensor_product,
)


class Message(nn.Module):
    """What an atom sends to a convolution: features by a linear map, normalized by the number of neighbors."""

    def __init__(self, convolution: nn.Module, types: list[int]) -> None:
        super().__init__()
        self.linear = build_linear(convolution.linear_1)
        normalization = neighbor_normalization(convolution.avg_num_neighbors_norm, types)
        self.register_buffer("normalization", normalization.unsqueeze(1))

    def forward(self, features: Tensor, species: Tensor) -> Tensor:
        """[n, F], [n] to [n, F]."""
        return self.linear(features) * self.normalization.index_select(0, species)


class SelfConnection(nn.Module):
    """Features of the layer before, by weights that depend on the element."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.product = build_self_connection(module)

    def forward(self, mixed: Tensor, features: Tensor, attributes: Tensor) -> Tensor:
        """Add them to the sums over neighbors, [n, F']."""
        return mixed + self.product(features, attributes)


class NoSelfConnection(nn.Module):
    """Stand-in for `SelfConnection` in layers without it."""

    def forward(self, mixed: Tensor, features: Tensor, attributes: Tensor) -> Tensor:
        """The sums over neighbors, [n, F']."""
        return mixed


class NequipStage(nn.Module):
    """One layer of NequIP as a stage (`pair_les.convert.stages`). `first` and `last` are the first and last layer; one may be both."""

    def __init__(
        self,
        parts: dict[str, nn.Module],
        number: int,
        n_layers: int,
        types: list[int],
        messages: list[Message],
    ) -> None:
        super().__init__()
        self.first, self.last = number == 0, number == n_layers - 1
        embedding = parts["type_embed"].embed_module.weight.detach()[types]
        self.register_buffer("embedding", embedding.clone())
        self.own_message = messages[number]
        self.next_message = messages[number if self.last else number + 1]
        self.lengths = EdgeLengths(parts["edge_norm"], types)
        self.basis = RadialBasis(parts["bessel_encode"], float(parts["factor"].factor))
        self.harmonics = build_harmonics(parts["spharm"].sh)
        layer = parts[f"layer{number}_convnet"]
        convolution = layer.conv
        self.weights = build_perceptron(convolution.edge_mlp)
        self.product = build_tensor_product(convolution.tp_scatter.tp)
        self.mixing = build_linear(convolution.linear_2)
        own = convolution.sc
        self.self_connection = NoSelfConnection() if own is None else SelfConnection(own)
        self.gate = build_gate(layer.equivariant_nonlin)
        self.n_scalars = leading_scalars(self.gate.irreps_out)
        self.residual = bool(layer.resnet)
        self.readout = build_perceptron(parts["per_atom_energy_readout"].mlp_module)
        self.register_buffer("scale", by_species(parts["per_type_energy_scale_shift"].scales, types))
        self.repulsion = build_repulsion(parts, types)

    def forward(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """What a stage sends and keeps (:mod:`pair_les.convert.stages`); the last keeps the energies [n], eV,
        and the scalars among its features."""
        centers = species[:n]
        attributes = self.embedding.index_select(0, centers)
        if self.first:
            features = attributes
            received = self.own_message(self.embedding.index_select(0, species), species)
        else:
            features = kept[0]
        pairs, lengths, x = self.lengths(species, edge_index, edge_vectors)
        messages = self.product(
            received.index_select(0, edge_index[1]), self.harmonics(edge_vectors), self.weights(self.basis(x))
        )
        sums = messages.new_zeros([n, messages.size(1)]).index_add(0, edge_index[0], messages)
        updated = self.gate(self.self_connection(self.mixing(sums), features, attributes))
        if self.residual:
            updated = updated + features
        if self.last:
            energy = self.readout(updated).squeeze(1) * self.scale.index_select(0, centers)
            energy = energy + self.repulsion(pairs, lengths, x, edge_index[0], n)
            return edge_vectors.new_empty([n, 0]), [energy, updated[:, : self.n_scalars]]
        return self.next_message(updated, centers), [updated]


def count_layers(parts: dict[str, nn.Module]) -> int:
    """Number of convolutions."""
    return sum(name.endswith("_convnet") for name in parts)


def build_nequip(parts: dict[str, nn.Module], types: list[int]) -> LocalNetwork:
    """The stages of a NequIP model.

    Parameters
    ----------
    parts
        Modules of the sequential model by their names.
    types
        Type of each species of the model file.
    """
    n_layers = count_layers(parts)
    messages = [Message(parts[f"layer{number}_convnet"].conv, types) for number in range(n_layers)]
    stages = [NequipStage(parts, number, n_layers, types, messages) for number in range(n_layers)]
    widths = [message.linear.irreps_out.dim for message in messages[1:]]
    return network_of_stages([*stages], False, widths, stages[-1].n_scalars)
