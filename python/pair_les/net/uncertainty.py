# SPDX-License-Identifier: MIT
"""Uncertainty of one network: the last-layer prediction rigidity of each atom.

The energy of an atom of species s is linear in the weights of the last layer, ``e_i = w_s . f_i``, where ``f_i`` are the values of the
last hidden layer and 1. With the covariance ``C_s = (sum_j f_j f_j^T + lambda)^-1`` over the atoms j of this species in the training
frames, the uncertainty of the energy is ``u_i = alpha sqrt(f_i^T C_s f_i)`` (F. Bigi, S. Chong, M. Ceriotti, F. Grasselli, Mach.
Learn.: Sci. Technol. 5, 045018 (2024); of single atoms: S. Chong et al., J. Chem. Theory Comput. 19, 8020 (2023)). It grows where an
atom's surroundings are unlike all those of the training frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pair_les.net.message_passing import MessagePassingNet
from pair_les.net.model import LESNet


def energy_deviations(features: Tensor, species: Tensor, factor: Tensor) -> Tensor:
    """Uncertainties ``u_i = |factor_s^T f_i|``, [n], of atoms of ``species [n]`` with ``features [n, n_features]``."""
    norms: list[Tensor] = []
    members: list[Tensor] = []
    for s in range(factor.size(0)):
        index = torch.nonzero(species == s).view(-1)
        norms.append(torch.mm(torch.index_select(features, 0, index), factor[s]).square().sum(1).sqrt())
        members.append(index)
    return torch.zeros_like(features[:, 0]).index_copy(0, torch.cat(members), torch.cat(norms))


class UncertainNet(nn.Module):
    """A strictly local network with the uncertainties of its energies.

    Parameters
    ----------
    network : LESNet
        The network.
    factor : Tensor
        float64 ``[n_species, n, n]``, eV, with ``factor factor^T = alpha^2 C_s`` and n one more than the width of the last hidden
        layer. It stays float64 whatever the precision of the network, because small uncertainties are differences of large numbers.
    """

    if TYPE_CHECKING:
        factor: Tensor
        network: Any  # LESNet or MessagePassingNet

    def __init__(self, network: LESNet | MessagePassingNet, factor: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("factor", factor)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """As :meth:`ContractNet.forward`."""
        return self.network(species, edge_index, edge_vectors, n_local)

    @torch.jit.export
    def last_layer(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """Features ``[n_local, n]`` that the energies are linear in, float64; arguments as :meth:`forward`."""
        hidden = self.network.last_hidden(species, edge_index, edge_vectors, n_local)
        return self.with_constant(hidden)

    @torch.jit.export
    def uncertainty(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """Uncertainties ``[n_local]`` of the energies, eV, float64 (docs/reference/model_file.md, "Uncertainty")."""
        return self.deviations(self.last_layer(species, edge_index, edge_vectors, n_local), species[:n_local])

    def with_constant(self, hidden: Tensor) -> Tensor:
        """Add the feature that the biases belong to."""
        return torch.nn.functional.pad(hidden.to(torch.float64), [0, 1], value=1.0)

    def deviations(self, features: Tensor, species: Tensor) -> Tensor:
        """`energy_deviations` with the factor of this model."""
        return energy_deviations(features, species, self.factor)

    def message_features(self) -> list[int]:
        """As :meth:`ContractNet.message_features`."""
        return self.network.message_features()


class UncertainMessagePassingNet(UncertainNet):
    """A network with one message-passing layer, cut at its layers as it is; its arguments."""

    @torch.jit.export
    def last_layer(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """As :meth:`UncertainNet.last_layer`."""
        x = self.network.local_features(species, edge_index, edge_vectors, n_local)
        return self.with_constant(self.network.readout.hidden(x, species[:n_local]))

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
        """As :meth:`MessagePassingNet.send`."""
        return self.network.send(layer, species, edge_index, edge_vectors, received, kept, n_local)

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
        """As :meth:`MessagePassingNet.finish`."""
        return self.network.finish(species, edge_index, edge_vectors, received, kept, n_local)

    @torch.jit.export
    def finish_uncertainty(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> Tensor:
        """What :meth:`uncertainty` returns; arguments as :meth:`finish`."""
        of_local = species[:n_local]
        h = received.view(species.size(0), self.network.n_message_lm, self.network.message_channels)
        x = self.network.second_layer(
            of_local, edge_index[0], edge_index[1], edge_vectors, h, kept[0], kept[1]
        )
        return self.deviations(self.with_constant(self.network.readout.hidden(x, of_local)), of_local)


def uncertain(network: LESNet | MessagePassingNet, factor: Tensor) -> UncertainNet:
    """The network with its uncertainties; arguments of :class:`UncertainNet`."""
    cut = isinstance(network, MessagePassingNet)
    return UncertainMessagePassingNet(network, factor) if cut else UncertainNet(network, factor)
