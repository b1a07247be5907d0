# SPDX-License-Identifier: MIT
"""A network of message-passing layers as a list of stages, with the three methods of the contract.

A stage is what an atom computes between two exchanges of messages::

    stage(species, edge_index, edge_vectors, received, kept, n) -> message, kept

for the first `n` atoms, which are the centers of all edges: the last stage returns an empty message and, as `kept`, the energies,
with charges the charges, [n] each, and last, where there are some, scalar features [n, F] that further outputs can be learned from.
Arguments are those of ``send`` (docs/reference/model_file.md, "Cut at its layers").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class LocalNetwork(nn.Module):
    """A network of stages that is not cut: of one stage, strictly local, or as whole as ``forward`` is.

    Parameters
    ----------
    stages
        One more than there are message-passing layers.
    charged
        Whether the last stage returns charges.
    n_features
        Scalar features of each atom that the last stage returns; 0: none.
    """

    def __init__(self, stages: list[nn.Module], charged: bool, n_features: int = 0) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.charged = charged
        self.n_features = n_features

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """Evaluate all stages for all atoms, ghosts included."""
        n = species.size(0)
        received = edge_vectors.new_empty([n, 0])
        kept: list[Tensor] = []
        if n > 0:
            for stage in self.stages:
                received, kept = stage(species, edge_index, edge_vectors, received, kept, n)
        return self.outputs(kept, edge_vectors, n_local)

    def outputs(self, last: list[Tensor], edge_vectors: Tensor, n_local: int) -> dict[str, Tensor]:
        """Energies, charges and features of the local atoms; empty where there is no atom at all."""
        if len(last) == 0:
            empty = edge_vectors.new_zeros([0])
            last = [empty, empty, edge_vectors.new_zeros([0, self.n_features])]
        result = {"energy": last[0][:n_local].to(edge_vectors.dtype)}
        if self.charged:
            result["charge"] = last[1][:n_local].to(edge_vectors.dtype)
        if self.n_features > 0:
            result["features"] = last[len(last) - 1][:n_local].to(edge_vectors.dtype)
        return result


class StagedNetwork(LocalNetwork):
    """A network that is cut at its layers.

    Parameters
    ----------
    stages, charged, n_features
        Of a `LocalNetwork`; at least two stages.
    message_features
        Numbers per atom that each stage but the last sends.
    """

    def __init__(
        self, stages: list[nn.Module], charged: bool, message_features: list[int], n_features: int = 0
    ) -> None:
        super().__init__(stages, charged, n_features)
        self.message_features = message_features

    @torch.jit.export
    def send(
        self,
        layer: int,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """Evaluate one stage before the last, for local atoms."""
        sent = edge_vectors.new_zeros([n_local, self.message_features[layer]])
        still_kept: list[Tensor] = []
        if n_local > 0:
            for number, stage in enumerate(self.stages):
                if number == layer:
                    sent, still_kept = stage(species, edge_index, edge_vectors, received, kept, n_local)
        return sent, still_kept

    @torch.jit.export
    def finish(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> dict[str, Tensor]:
        """Evaluate the last stage, for local atoms."""
        last: list[Tensor] = []
        if n_local > 0:
            for number, stage in enumerate(self.stages):
                if number == len(self.message_features):
                    last = stage(species, edge_index, edge_vectors, received, kept, n_local)[1]
        return self.outputs(last, edge_vectors, n_local)


def network_of_stages(
    stages: list[nn.Module], charged: bool, message_features: list[int], n_features: int = 0
) -> LocalNetwork | StagedNetwork:
    """Return the network of these stages, cut at its layers where there is more than one."""
    return (
        StagedNetwork(stages, charged, message_features, n_features)
        if message_features
        else LocalNetwork(stages, charged, n_features)
    )


def leading_scalars(irreps: Iterable[Any]) -> int:
    """Number of even scalars that the features of these e3nn irreps begin with."""
    count = 0
    for multiplicity, irrep in irreps:
        if irrep.l != 0 or irrep.p != 1:
            break
        count += multiplicity
    return count
