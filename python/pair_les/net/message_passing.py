# SPDX-License-Identifier: MIT
"""The network with one message-passing layer: neighbors tell an atom about their own neighborhoods.

Layer 1 is a density of the neighborhood and its products, as in the strictly local network, for the local atoms and all
their neighbors. Each atom j turns them into a function on the sphere per channel, ``h_j[lm, c]``; layer 2 is a density of the
neighborhood weighted with these functions, and its products::

    A2[i, lm, c]  =  sum_j R_lc(r_ij) Y_lm(r_ij) sum_l'm' h_j[l'm', c] Y_l'm'(r_ij)    (the function toward i)
    A2'[i, lm, c] =  sum_j R'_c(r_ij) h_j[lm, c]                                       (the function as it is)

Weights are shared by all species; what differs between species are the neighbors' parts of the first density, biases, and
factors on the features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pair_les.net.activations import silu
from pair_les.net.angular import harmonics_from_monomials
from pair_les.net.counts import as_size
from pair_les.net.density_net import DensityNet
from pair_les.net.equivariants import degrees_of, equivariant_tables, find_row_order, invariants_and_products
from pair_les.net.former_weights import rename_former_weights
from pair_les.net.messages import messages
from pair_les.net.products import degree_averages
from pair_les.net.readout import SharedLinear, SharedReadout
from pair_les.net.settings import NetSettings
from pair_les.net.statistics import (
    MESSAGE_CHANGE,
    SPREAD_CHANGE,
    inverse_sizes,
    largest_change,
    normal_density,
    rattled,
    shared_floor,
    smallest_mean_square,
)

GATE_SPREAD = 0.3
"""Spread of the initial factors on the messages of different elements, about 1."""


class MessagePassingNet(DensityNet):
    """Energy and charge of each local atom with ``message_passing_layers`` = 1; parameters as :class:`LESNet`.

    Per channel, layer and atom there are ``l_max + 3`` invariants: ``F_00``, ``mean_m F_lm^2`` for l >= 1, ``<u^3>``, and
    ``mean_lm <u^2 Y_lm>^2`` (four factors).
    """

    if TYPE_CHECKING:  # buffers
        density_mean: Tensor
        density_scale: Tensor
        even_back: Tensor
        feature_mean: Tensor
        feature_scale: Tensor
        message_degrees: Tensor
        message_order: Tensor
        message_scale: Tensor
        odd_back: Tensor
        product_scale: Tensor
        readout: SharedReadout

    def __init__(
        self,
        species: list[str],
        settings: NetSettings,
        *,
        charge: bool,
        lowest_hardness: float | None = None,
        reference_energies: dict[str, float] | None = None,
        energy_scale: float = 1.0,
        average_neighbors: float = 30.0,
    ) -> None:
        l_max, message_l_max = settings.l_max, settings.message_l_max
        tables = {
            "harmonics": harmonics_from_monomials(l_max),
            "degree_average": degree_averages(l_max),
            **equivariant_tables(l_max, message_l_max),
        }
        super().__init__(species, settings, charge, lowest_hardness, reference_energies, energy_scale, tables)
        n_s = self.n_species
        n_density = n_s * self.n_radial
        self.fused_messages = True  # where `fused` is
        self.n_channels = settings.n_channels
        self.message_channels = settings.message_channels
        self.message_l_max = message_l_max
        self.n_message_lm = (message_l_max + 1) ** 2
        self.degree_sizes = [2 * degree + 1 for degree in range(l_max + 1)]
        self.n_products = l_max + 3
        n_features = self.n_products * self.n_channels
        # [2 messages per channel, F of layer 1] enter layer 2
        n_second = 2 * self.message_channels + self.n_channels
        n_gates = (message_l_max + 1) * self.message_channels
        self.register_buffer("message_degrees", torch.tensor(degrees_of(message_l_max)), persistent=False)
        self.register_buffer("message_order", torch.tensor(find_row_order(message_l_max)), persistent=False)

        self.register_buffer("density_mean", torch.zeros(n_density))
        self.register_buffer(
            "density_scale", torch.full([l_max + 1], 1.0 / math.sqrt(max(average_neighbors, 1.0)))
        )
        self.register_buffer("product_scale", torch.ones(3, message_l_max + 1))
        self.register_buffer("message_scale", torch.ones(2, l_max + 1))
        self.register_buffer("feature_mean", torch.zeros(2, n_s, n_features))
        self.register_buffer("feature_scale", torch.ones(2, n_features))

        self.mixing = nn.Parameter(torch.randn(l_max + 1, n_density, self.n_channels) / math.sqrt(n_density))
        self.emphasis = nn.Parameter(torch.ones(2, n_s, n_features))
        self.message_mixing = nn.Parameter(
            torch.randn(message_l_max + 1, 3 * self.n_channels, self.message_channels)
            / math.sqrt(3 * self.n_channels)
        )
        self.gate_in = SharedLinear(n_s, n_features, settings.hidden[0])
        self.gate_out = SharedLinear(n_s, settings.hidden[0], n_gates)
        with torch.no_grad():
            self.gate_out.bias.normal_(1.0, GATE_SPREAD)
        self.radial_weights = nn.Parameter(
            torch.randn(self.n_radial, (l_max + 1) * self.message_channels) / math.sqrt(self.n_radial)
        )
        self.passthrough_weights = nn.Parameter(
            torch.randn(self.n_radial, self.message_channels) / math.sqrt(self.n_radial)
        )
        self.second_mixing = nn.Parameter(
            torch.randn(l_max + 1, n_second, self.n_channels) / math.sqrt(n_second)
        )
        self.readout = SharedReadout(
            n_s, 2 * n_features, list(settings.hidden), self.n_outputs, settings.charge_state
        )
        self.register_load_state_dict_pre_hook(rename_former_weights)
        if charge:
            self._spread_charges()

    def prepare_for_compilation(self) -> None:
        """Use the operators of messages in plain torch as well: the fused ones have several results each."""
        super().prepare_for_compilation()
        self.fused_messages = False

    def interaction(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        n_local: int,
        charge_per_atom: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return energies and charges, as :meth:`LESNet.interaction` does."""
        features = self.local_features(species, edge_index, edge_vectors, n_local)
        output = self.outputs(features, species[:n_local], charge_per_atom)
        energy = self.energy_from_output(output, species, edge_index, edge_vectors, n_local)
        return energy, self.charge_from_output(output)

    def local_features(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> Tensor:
        """Inputs ``[n_local, 2 n_features]`` of the readout; arguments as :meth:`forward`."""
        atoms, kept = self.reached(edge_index, species.size(0), n_local)
        center = torch.index_select(edge_index[0], 0, kept)
        neighbor = torch.index_select(edge_index[1], 0, kept)
        vectors = torch.index_select(edge_vectors, 0, kept)
        row = torch.zeros_like(species).scatter(0, atoms, torch.arange(atoms.size(0), device=species.device))
        center = torch.index_select(row, 0, center)
        of_atom = torch.index_select(species, 0, atoms)

        h, f, x = self.first_layer(species, of_atom, torch.stack([center, neighbor]), vectors)
        # edges are sorted by center: those of local atoms come first
        n_first = as_size((center < n_local).sum())
        return self.second_layer(
            of_atom[:n_local],
            center[:n_first],
            torch.index_select(row, 0, neighbor[:n_first]),
            vectors[:n_first],
            h,
            f[:, :n_local],
            x[:n_local],
        )

    def first_layer(
        self, species: Tensor, of_center: Tensor, edge_index: Tensor, edge_vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Messages ``h [n, n_message_lm, message_channels]``, F ``[n_lm, n, n_channels]`` and features of the n centers, which
        are of species ``of_center [n]``; ``species`` is that of all atoms."""
        f = self.mixed(self.density(species, edge_index, edge_vectors, of_center.size(0)))
        x, products = self.products(f, True)
        x = self.normalized(x, of_center, 0)
        return self.messages(products, x, of_center), f, x

    def second_layer(
        self,
        species: Tensor,
        center: Tensor,
        neighbor: Tensor,
        vectors: Tensor,
        h: Tensor,
        f: Tensor,
        x: Tensor,
    ) -> Tensor:
        """Inputs of the readout of the n local atoms, from the messages `h` of all atoms and their own F and features."""
        sums = self.received(h, center, neighbor, vectors, species.size(0))
        y, _ = self.products(self.mix_received(sums, f), False)
        return torch.cat([x, self.normalized(y, species, 1)], 1)

    def outputs(self, features: Tensor, species: Tensor, charge_per_atom: Tensor | None = None) -> Tensor:
        """Outputs ``[n, n_outputs]`` of the readout for atoms of ``species [n]``."""
        fused = self.fused and self.fused_activations
        return self.readout(features, species, self.readout_state(charge_per_atom), fused)

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
        """The network up to its messages (docs/reference/model_file.md, "Cut at its layers"): only layer 0 exists here.

        Parameters
        ----------
        layer : int
            0.
        species, edge_index, edge_vectors, n_local
            As :meth:`forward`, with edges of local atoms only.
        received, kept
            Of the layer before: empty.

        Returns
        -------
        Messages ``[n_local, message_features]`` of the local atoms, and what they keep for themselves.
        """
        h, f, x = self.first_layer(species, species[:n_local], edge_index, edge_vectors)
        return h.reshape(n_local, self.n_message_lm * self.message_channels), [f, x]

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
        """The rest of the network: what :meth:`forward` returns, from messages ``received [n_atoms, message_features]`` of all
        atoms and what :meth:`send` kept of the local ones."""
        h = received.view(species.size(0), self.n_message_lm, self.message_channels)
        of_local = species[:n_local]
        x = self.second_layer(of_local, edge_index[0], edge_index[1], edge_vectors, h, kept[0], kept[1])
        output = self.outputs(x, of_local)
        energy = self.energy_from_output(output, species, edge_index, edge_vectors, n_local)
        return self.contract_outputs(
            energy, self.charge_from_output(output), species, edge_vectors.dtype, n_local
        )

    def message_features(self) -> list[int]:
        """As :meth:`ContractNet.message_features`."""
        return [self.n_message_lm * self.message_channels]

    def reached(self, edge_index: Tensor, n_atoms: int, n_local: int) -> tuple[Tensor, Tensor]:
        """Atoms whose messages can reach a local atom (ascending, so that local atoms come first), and their edges."""
        device = edge_index.device
        if n_local == n_atoms:
            return torch.arange(n_atoms, device=device), torch.arange(edge_index.size(1), device=device)
        needed = torch.zeros(n_atoms, dtype=torch.bool, device=device)
        needed[:n_local] = True
        needed[edge_index[1][edge_index[0] < n_local]] = True
        return torch.nonzero(needed).view(-1), torch.nonzero(needed[edge_index[0]]).view(-1)

    def mixed(self, a: Tensor) -> Tensor:
        """F of layer 1, ``[n_lm, n, n_channels]``, from densities ``[n_lm, n, n_density]``."""
        weight = self.mixing * self.density_scale.view(-1, 1, 1)
        f = torch.bmm(a, torch.index_select(weight, 0, self.degrees))
        mean = torch.mv(weight[0].t(), self.density_mean)  # only l = 0 has a mean
        return f - torch.nn.functional.pad(mean.view(1, 1, -1), [0, 0, 0, 0, 0, self.n_lm - 1])

    def products(self, f: Tensor, with_products: bool) -> tuple[Tensor, Tensor]:
        """Invariants ``[n, n_features]``; F, ``<u^2 Y>`` and ``<u^3 Y>`` as ``[n_message_lm, n, 3 n_channels]``, or anything
        where they are not wanted."""
        if self.fused:
            if self.fused_messages and f.device.type == "cpu":
                return torch.ops.pair_les.equivariants(
                    f, self.even, self.odd, self.even_back, self.odd_back, with_products
                )
        return invariants_and_products(
            f,
            self.degree_average,
            self.degree_sizes,
            self.even,
            self.odd,
            self.even_back,
            self.odd_back,
            self.message_order,
        )

    def normalized(self, x: Tensor, species: Tensor, layer: int) -> Tensor:
        """``(x - mean_s) scale emphasis_s`` for atoms of ``species [n]``."""
        factor = self.feature_scale[layer] * self.emphasis[layer]  # [n_species, n_features]
        shift = torch.index_select(self.feature_mean[layer] * factor, 0, species)
        return x * torch.index_select(factor, 0, species) - shift

    def messages(self, products: Tensor, x: Tensor, species: Tensor) -> Tensor:
        """``h [n, n_message_lm, message_channels]``: mixed products, times (l = 0: plus) what a small network says of x."""
        n, channels = x.size(0), self.message_channels
        scale = self.product_scale.t().view(-1, 3, 1, 1)
        weight = self.message_mixing.view(-1, 3, self.n_channels, channels) * scale
        weight = torch.index_select(weight.view(-1, 3 * self.n_channels, channels), 0, self.message_degrees)
        h = torch.bmm(products, weight).transpose(0, 1)
        gate = silu(self.gate_in(x, species), self.fused and self.fused_activations)
        gate = self.gate_out(gate, species)
        gate = gate.view(n, self.message_l_max + 1, channels)
        gate = torch.index_select(gate, 1, self.message_degrees)
        return torch.cat([h[:, :1] + gate[:, :1], h[:, 1:] * gate[:, 1:]], 1)

    def received(self, h: Tensor, center: Tensor, neighbor: Tensor, vectors: Tensor, n_local: int) -> Tensor:
        """Both sums of the module's docstring, ``[n_lm, n_local, 2 message_channels]``."""
        weights = torch.cat([self.radial_weights, self.passthrough_weights], 1)
        weights = weights.view(self.n_radial, self.l_max + 2, self.message_channels)
        if self.fused:
            if self.fused_messages and vectors.device.type == "cpu":
                return torch.ops.pair_les.messages(
                    vectors, center, neighbor, h, weights, self.harmonics, n_local, self.cutoff
                )
        return messages(
            vectors, center, neighbor, h, weights, self.harmonics, n_local, self.cutoff, self.l_max
        )

    def mix_received(self, sums: Tensor, f: Tensor) -> Tensor:
        """F of layer 2 from what was received and F of layer 1, both of the local atoms."""
        channels = self.message_channels
        scale = torch.nn.functional.pad(
            torch.repeat_interleave(self.message_scale.t(), channels, 1), [0, self.n_channels], value=1.0
        )
        weight = self.second_mixing * scale.unsqueeze(2)
        inputs = torch.cat([sums, f], 2)
        return torch.bmm(inputs, torch.index_select(weight, 0, self.degrees))

    @torch.no_grad()
    def fit_statistics(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> None:
        """Normalize densities, products, messages and features by their statistics over one representative batch.

        Every atom must be local. Call once, before training. Nothing is scaled by less than displaced neighbors do
        (:mod:`pair_les.net.statistics`). A species that does not occur has the means of all atoms.
        """
        graphs = [edge_vectors, *rattled(edge_vectors, edge_index[0], n_local)]
        smallest = smallest_mean_square(edge_index.size(1), n_local)
        floor = shared_floor(edge_index.size(1), n_local)

        densities = [self.density(species, edge_index, vectors, n_local) for vectors in graphs]
        self.density_mean.copy_(densities[0][0].mean(0))
        centered = [torch.cat([a[:1] - self.density_mean, a[1:]]) for a in densities]
        self.density_scale.copy_(inverse_sizes(centered, species, smallest))
        mixed = [self.mixed(a) for a in densities]
        features, products = zip(*(self.products(f, True) for f in mixed), strict=True)
        normal, normal_products = self.products(
            normal_density(self.n_lm, self.n_channels, edge_vectors), True
        )
        smallest_feature = floor**2 * normal.double().var(0)
        self._fit_features(features, species, 0, smallest_feature)
        for factors, typical in enumerate(torch.chunk(normal_products, 3, 2)):
            values = [torch.chunk(product, 3, 2)[factors] for product in products]
            of_normal = float(typical.square().mean())
            self.product_scale[factors] = inverse_sizes(values, species, floor**2 * of_normal)

        received = []
        for vectors, product, x in zip(graphs, products, features, strict=True):
            h = self.messages(product, self.normalized(x, species, 0), species)
            received.append(self.received(h, edge_index[0], edge_index[1], vectors, n_local))
        halves = [torch.chunk(sums, 2, 2) for sums in received]
        n_sent = self.message_l_max + 1
        self.message_scale[0] = inverse_sizes(
            [toward for toward, _ in halves], species, smallest, MESSAGE_CHANGE
        )
        as_is = [values[: self.n_message_lm] for _, values in halves]
        self.message_scale[1, :n_sent] = inverse_sizes(as_is, species, smallest, MESSAGE_CHANGE)
        again = [self.mix_received(sums, f) for sums, f in zip(received, mixed, strict=True)]
        self._fit_features([self.products(f, False)[0] for f in again], species, 1, smallest_feature)

    def _fit_features(self, x: Sequence[Tensor], species: Tensor, layer: int, smallest: Tensor) -> None:
        """Means of each species, and one spread for all, from features of the frames and of displaced ones.

        Variances are at least ``smallest [n_features]``.
        """
        self.feature_mean[layer] = x[0].mean(0)
        for s in torch.unique(species).tolist():
            self.feature_mean[layer, s] = x[0][species == s].mean(0)
        square = (x[0] - self.feature_mean[layer][species]).double().square().mean(0)
        change = largest_change(x[0], torch.cat(list(x[1:])), species)
        square = square.maximum(SPREAD_CHANGE**2 * change)
        self.feature_scale[layer] = square.maximum(smallest).rsqrt()

    def _output_weights(self) -> list[Tensor]:
        return [*super()._output_weights(), self.readout.direct]
