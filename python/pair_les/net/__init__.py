# SPDX-License-Identifier: MIT
"""The short-range networks: body-ordered local densities and small per-atom networks for energy and charge."""

from pair_les.net.base import ContractNet
from pair_les.net.message_passing import MessagePassingNet
from pair_les.net.model import LESNet
from pair_les.net.settings import NetSettings

__all__ = ["ContractNet", "LESNet", "MessagePassingNet", "NetSettings", "network_class"]


def network_class(settings: NetSettings) -> type[LESNet] | type[MessagePassingNet]:
    """The network that `settings` describe; both are made with the same arguments."""
    return MessagePassingNet if settings.message_passing_layers == 1 else LESNet
