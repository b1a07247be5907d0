# SPDX-License-Identifier: MIT
"""A SevenNet model as stages: self-connection, convolution and gate of one layer each.

What is sent is already transformed by the next layer's first self-interaction. Edges have the direction of the contract.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..stages import LocalNetwork, leading_scalars, network_of_stages


class ModalLinear(nn.Module):
    """An ``IrrepsLinear``, with the one-hot vector of the modality as further inputs where it takes them."""

    def __init__(self, module: nn.Module, modality: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.linear = module.linear
        n = module.num_modalities if module.num_modalities > 1 else 0
        self.modal = n > 0
        self.register_buffer(
            "one_hot", torch.eye(n, dtype=dtype)[modality : modality + 1] if n else torch.zeros(1, 0)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, F] to [n, F']."""
        if self.modal:
            x = torch.cat([x, self.one_hot.expand(x.size(0), -1)], dim=1)
        return self.linear(x)


class ElementSelfConnection(nn.Module):
    """Features times the one-hot vector of the element."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.product = module.fc_tensor_product

    def forward(self, x: Tensor, one_hot: Tensor) -> Tensor:
        """[n, F], [n, S] to [n, F']."""
        return self.product(x, one_hot)


class LinearSelfConnection(nn.Module):
    """Features alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.linear = module.linear

    def forward(self, x: Tensor, one_hot: Tensor) -> Tensor:
        """[n, F] to [n, F']."""
        return self.linear(x)


SELF_CONNECTIONS = {
    "SelfConnectionIntro": ElementSelfConnection,
    "SelfConnectionLinearIntro": LinearSelfConnection,
}
"""By the class in ``sevenn.nn.self_connection``."""


class LinearReadout(nn.Module):
    """Two linear maps to one number per atom."""

    def __init__(self, hidden: nn.Module, energy: nn.Module) -> None:
        super().__init__()
        self.hidden, self.energy = hidden, energy

    def forward(self, x: Tensor) -> Tensor:
        """[n, F] to [n, 1]."""
        return self.energy(self.hidden(x))


class Elements(nn.Module):
    """Numbers that depend on the element only: one-hot vectors, the features that the first layer starts from, scales."""

    def __init__(self, one_hot: Tensor, embedding: nn.Module, scale: Tensor) -> None:
        super().__init__()
        self.embedding = embedding
        self.register_buffer("one_hot", one_hot.clone(), persistent=False)
        self.register_buffer("scale", scale.detach().clone(), persistent=False)

    def forward(self) -> Tensor:
        """[S, F], by the species of the model file."""
        return self.embedding(self.one_hot)


class SevenNetStage(nn.Module):
    """One layer of SevenNet as a stage (`pair_les.convert.stages`)."""

    def __init__(
        self,
        parts: dict[str, nn.Module],
        number: int,
        last: bool,
        elements: Elements,
        preceding: nn.Module,
        following: nn.Module,
        modality: int,
    ) -> None:
        super().__init__()
        self.first, self.last = number == 0, last
        self.elements = elements
        edges = parts["edge_embedding"]
        self.basis, self.envelope, self.spherical = (
            edges.basis_function,
            edges.cutoff_function,
            edges.spherical.sph,
        )
        convolution = parts[f"{number}_convolution"]
        self.weights, self.product = convolution.weight_nn, convolution.convolution
        self.denominator = convolution.denominator
        dtype = elements.one_hot.dtype
        self.mixing = ModalLinear(parts[f"{number}_self_interaction_2"], modality, dtype)
        self_connection = parts[f"{number}_self_connection_intro"]
        self.self_connection = SELF_CONNECTIONS[type(self_connection).__name__](self_connection)
        self.gate = parts[f"{number}_equivariant_gate"].gate
        self.n_scalars = leading_scalars(parts[f"{number}_equivariant_gate"].gate.irreps_out)
        self.preceding = preceding  # self-interaction before this convolution
        self.following = (
            following  # readout of the last layer, self-interaction before the next convolution of others
        )

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
            embedded = self.elements()
            features = embedded.index_select(0, species[:n])
            received = self.preceding(embedded).index_select(0, species)
        else:
            features = kept[0]
        r = edge_vectors.square().sum(1).sqrt()
        weights = self.weights(self.basis(r) * self.envelope(r).unsqueeze(-1))
        messages = self.product(
            received.index_select(0, edge_index[1]), self.spherical(edge_vectors), weights
        )
        sums = messages.new_zeros([n, messages.size(1)]).index_add(0, edge_index[0], messages)
        own = self.self_connection(features, self.elements.one_hot.index_select(0, species[:n]))
        features = self.gate(self.mixing(sums / self.denominator) + own)
        following = self.following(features)
        if self.last:
            energy = following.squeeze(1) * self.elements.scale.index_select(0, species[:n])
            return edge_vectors.new_empty([n, 0]), [energy, features[:, : self.n_scalars]]
        return following, [features]


def build_stages(
    parts: dict[str, nn.Module], n_layers: int, one_hot: Tensor, scale: Tensor, modality: int
) -> LocalNetwork:
    """The stages of a SevenNet model.

    Parameters
    ----------
    parts
        Modules of the sequential model by their names.
    n_layers
        Convolutions.
    one_hot
        [S, n_types], for each species of the model file.
    scale
        [S], of the energy of each species.
    modality
        Index of the data set that a multi-fidelity model answers for; 0 for others.
    """
    dtype = one_hot.dtype

    def linear(name: str) -> ModalLinear:
        return ModalLinear(parts[name], modality, dtype)

    before = [linear(f"{number}_self_interaction_1") for number in range(n_layers)]
    elements = Elements(one_hot, linear("onehot_to_feature_x"), scale)
    if "readout_FCN" in parts:
        readout: Any = parts["readout_FCN"].fcn
    else:
        readout = LinearReadout(linear("reduce_input_to_hidden"), linear("reduce_hidden_to_energy"))
    stages: list[SevenNetStage] = []
    for number in range(n_layers):
        last = number == n_layers - 1
        following = readout if last else before[number + 1]
        stages.append(SevenNetStage(parts, number, last, elements, before[number], following, modality))
    widths = [parts[f"{number}_self_interaction_1"].irreps_out.dim for number in range(1, n_layers)]
    return network_of_stages(stages, False, widths, stages[-1].n_scalars)
