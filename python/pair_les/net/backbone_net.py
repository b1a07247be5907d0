# SPDX-License-Identifier: MIT
"""Charges and a correction of the energies on the scalar features of another network, the backbone.

The backbone is any module that returns ``energy [n_local]``, ``features [n_local, n_features]`` and possibly ``charge [n_local]``
(docs/developer/backbones.md). Energies are its own, times a scale, plus an output of a small network on its features that is 0 at the
start; charges are another output, so that they begin as they do in the networks of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from pair_les.net.base import ContractNet
from pair_les.net.readout import SharedReadout
from pair_les.net.settings import NetSettings

FEATURE_FLOOR = 0.05
"""Of the root mean square of the spreads of all features: features that hardly vary are not blown up to order 1."""


class BackboneNet(ContractNet):
    """A backbone with a readout for charges.

    Parameters
    ----------
    backbone
        Module of the protocol.
    species
        Chemical symbols; the position is the species index given to :meth:`forward`.
    backbone_species
        For each of them the species index of the backbone.
    settings
        ``cutoff``, ``hidden``, ``charge_state`` and ``zbl`` are used.
    charge, lowest_hardness, reference_energies, energy_scale
        As :class:`pair_les.net.LESNet`.
    backbone_scale
        Factor on the energies of the backbone: 1 for a trained one, the energy scale of the data for a new one.
    backbone_charged
        Whether the backbone returns charges, to which those of the readout are added.
    message_passing_layers
        Of the backbone.
    """

    if TYPE_CHECKING:  # buffers
        backbone_species: Tensor
        backbone_scale: Tensor
        feature_mean: Tensor
        feature_scale: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        species: list[str],
        backbone_species: Sequence[int],
        settings: NetSettings,
        *,
        charge: bool,
        lowest_hardness: float | None = None,
        reference_energies: dict[str, float] | None = None,
        energy_scale: float = 1.0,
        backbone_scale: float = 1.0,
        backbone_charged: bool = False,
        message_passing_layers: int = 0,
    ) -> None:
        super().__init__(species, settings, charge, lowest_hardness, reference_energies, energy_scale, {})
        self.backbone = backbone
        self.backbone_charged = backbone_charged
        self.message_passing_layers = message_passing_layers
        n_features = int(cast(int, backbone.n_features))
        self.register_buffer("backbone_species", torch.tensor(list(backbone_species)))
        self.register_buffer("backbone_scale", torch.tensor(float(backbone_scale)))
        self.register_buffer("feature_mean", torch.zeros(self.n_species, n_features))
        self.register_buffer("feature_scale", torch.ones(n_features))
        self.readout = SharedReadout(
            self.n_species, n_features, list(settings.hidden), self.n_outputs, settings.charge_state
        )
        with torch.no_grad():
            self.readout.last.weight[:, 0] = 0.0  # the energies are those of the backbone
        if charge and not backbone_charged:
            self._spread_charges()
        elif charge:
            self.readout.last.weight.data[:, 1:] = 0.0

    def interaction(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        n_local: int,
        charge_per_atom: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return energies and charges, as :meth:`LESNet.interaction` does."""
        of_backbone = torch.index_select(self.backbone_species, 0, species)
        output = self.backbone(of_backbone, edge_index, edge_vectors, n_local)
        return self.energy_and_charge(output, species, edge_index, edge_vectors, n_local, charge_per_atom)

    def energy_and_charge(
        self,
        output: dict[str, Tensor],
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        n_local: int,
        charge_per_atom: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What :meth:`interaction` returns, from what the backbone has returned."""
        of_local = species[:n_local]
        mean = torch.index_select(self.feature_mean, 0, of_local)
        x = (output["features"] - mean) * self.feature_scale
        y = self.readout(x, of_local, self.readout_state(charge_per_atom), False)
        energy = self.energy_from_output(y, species, edge_index, edge_vectors, n_local)
        energy = energy + output["energy"] * self.backbone_scale
        charge = self.charge_from_output(y)
        if self.backbone_charged:
            charge = charge + output["charge"]
        return energy, charge

    @torch.no_grad()
    def fit_statistics(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> None:
        """Center the features of each species and scale them to unit variance, over one representative batch."""
        of_backbone = torch.index_select(self.backbone_species, 0, species)
        x = self.backbone(of_backbone, edge_index, edge_vectors, n_local)["features"]
        of_local = species[:n_local]
        for s in torch.unique(of_local).tolist():
            self.feature_mean[s] = x[of_local == s].mean(0)
        variance = (x - self.feature_mean[of_local]).double().square().mean(0)
        floor = FEATURE_FLOOR**2 * variance.mean().clamp_min(torch.finfo(torch.float32).tiny)
        self.feature_scale.copy_(variance.maximum(floor).rsqrt())


class CutBackboneNet(BackboneNet):
    """A `BackboneNet` whose backbone is cut at its message-passing layers; its arguments."""

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
        of_backbone = torch.index_select(self.backbone_species, 0, species)
        return self.backbone.send(  # type: ignore[operator]
            layer, of_backbone, edge_index, edge_vectors, received, kept, n_local
        )

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
        of_backbone = torch.index_select(self.backbone_species, 0, species)
        output = self.backbone.finish(  # type: ignore[operator]
            of_backbone, edge_index, edge_vectors, received, kept, n_local
        )
        energy, charge = self.energy_and_charge(output, species, edge_index, edge_vectors, n_local)
        return self.contract_outputs(energy, charge, species, edge_vectors.dtype, n_local)

    def message_features(self) -> list[int]:
        """As :meth:`ContractNet.message_features`."""
        return [int(width) for width in cast("list[int]", self.backbone.message_features)]
