# SPDX-License-Identifier: MIT
"""Parts of a network that can be trained at a rate of their own, or not at all."""

from __future__ import annotations

from typing import Literal

from torch import nn

from pair_les.net.base import ContractNet

Part = Literal["features", "messages", "readout", "backbone"]

_MESSAGE_WEIGHTS = ("message_mixing", "gate_", "radial_weights", "passthrough_weights", "second_mixing")


def part_of(name: str) -> Part:
    """Return the part that a parameter of a network belongs to, from its name.

    ``readout``: the small network that ends with energy and charge. ``messages``: what neighbors send, and the layer after it.
    ``features``: all before. ``backbone``: a network of another package.
    """
    if name.startswith("backbone."):
        return "backbone"
    if name.startswith("readout."):
        return "readout"
    return "messages" if name.startswith(_MESSAGE_WEIGHTS) else "features"


def named_parts(network: ContractNet) -> dict[Part, list[nn.Parameter]]:
    """Parameters of each part that the network has."""
    found: dict[Part, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        found.setdefault(part_of(name), []).append(parameter)
    return found
