# SPDX-License-Identifier: MIT
"""The parts of a network that are compiled one by one: the whole of it, or each layer of a network that is cut at its layers.

A part is a function of a padded graph (:mod:`pair_les.model_file.aot.padding`) and, in the layers after the first, of what they receive and
what the layer before kept::

    part(species, local_species, edge_index, edge_vectors, received, *kept) -> outputs

The outputs are those of the contract, in the order of `output_names`, or in the layers before the last the messages and what is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pair_les.model_file.metadata import Metadata
from pair_les.model_file.outputs import atomic_output_names

N_GRAPH = 4
"""Tensors of a padded graph."""

FIRST_DIFFERENTIABLE = 3
"""Position of ``edge_vectors``: a part is differentiable in this input and in all later ones of floating point."""


@dataclass(frozen=True)
class Part:
    """One part of a network and the names of its two passes in the archive."""

    call: Callable[..., list[Tensor]]
    forward: str = "forward"
    backward: str = "backward"


def output_names(metadata: Metadata) -> list[str]:
    """Return the names of the outputs of a package, in their order; its reader takes the means over a committee."""
    if metadata.committee > 1:
        return ["member_energy", *(["member_charge"] if metadata.long_range is not None else [])]
    return atomic_output_names(metadata)


def pass_names(metadata: Metadata) -> list[tuple[str, str]]:
    """Return the names in the archive of the forward and the backward pass of each part."""
    if not metadata.message_features:
        return [("forward", "backward")]
    return [(f"forward_{n}", f"backward_{n}") for n in range(len(metadata.message_features) + 1)]


def parts_of(network: torch.nn.Module, metadata: Metadata) -> list[Part]:
    """Return the parts of a network of the contract's signature, with `send` and `finish` where it is cut at its layers."""
    names = output_names(metadata)
    net: Any = network

    def whole(species: Tensor, local: Tensor, edge_index: Tensor, edge_vectors: Tensor) -> list[Tensor]:
        results = net(species, edge_index, edge_vectors, local.size(0))
        return [results[name] for name in names]

    def layer_before_the_last(layer: int) -> Callable[..., list[Tensor]]:
        def send(
            species: Tensor, local: Tensor, edge_index: Tensor, edge_vectors: Tensor, *before: Tensor
        ) -> list[Tensor]:
            received = before[0] if before else edge_vectors.new_empty([species.size(0), 0])
            sent, kept = net.send(
                layer, species, edge_index, edge_vectors, received, list(before[1:]), local.size(0)
            )
            return [sent, *kept]

        return send

    def finish(
        species: Tensor,
        local: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        *kept: Tensor,
    ) -> list[Tensor]:
        results = net.finish(species, edge_index, edge_vectors, received, list(kept), local.size(0))
        return [results[name] for name in names]

    if not metadata.message_features:
        return [Part(whole)]
    calls = [*(layer_before_the_last(n) for n in range(len(metadata.message_features))), finish]
    return [Part(call, *passes) for call, passes in zip(calls, pass_names(metadata), strict=True)]
