# SPDX-License-Identifier: MIT
"""The strictly local network: density -> learned mixing -> invariant products -> per-atom energy and charge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pair_les.net.activations import squash
from pair_les.net.angular import harmonics_from_monomials
from pair_les.net.density_net import DensityNet
from pair_les.net.products import degree_averages, invariants, n_products, product_quadrature
from pair_les.net.readout import Readout
from pair_les.net.settings import NetSettings
from pair_les.net.statistics import (
    FEATURE_FLOOR,
    gas_variance,
    inverse_square_root,
    normal_density,
    pooled,
    rattled,
    second_moment,
    typical_change,
)


class LESNet(DensityNet):
    """Energy and charge of each local atom from the neighbors within one cutoff (``message_passing_layers`` = 0).

    Per center species: ``F[c, lm] = sum_sk W_l[sk, c] (A[s, k, lm] - mean) ``, invariants of F, then a small network.

    Parameters
    ----------
    species : list of str
        Chemical symbols; the position is the species index given to :meth:`forward`.
    settings : NetSettings
        Cutoff and size.
    charge : bool
        Whether :meth:`forward` returns charges.
    lowest_hardness : float, optional
        eV/e^2, >= 0; then :meth:`forward` returns electronegativities and larger hardnesses in place of charges.
    reference_energies : dict, optional
        eV per atom of each species, added by :meth:`forward` and not by :meth:`interaction`. Default 0.
    energy_scale : float
        eV; multiplies the output of the network. The standard deviation of the atomic energies, or about 1.
    average_neighbors : float
        Typical number of neighbors; only scales the density until :meth:`fit_statistics` is called.

    Raises
    ------
    ValueError
        For an empty or repeated species list, or a reference energy that is missing, of an unknown element or not finite.
    """

    if TYPE_CHECKING:  # buffers
        density_mean: Tensor
        feature_mean: Tensor
        feature_spread: Tensor
        quadrature_weights: Tensor
        whitening: Tensor
        readout: Readout

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
        even, odd, quadrature_weights = product_quadrature(settings.l_max, settings.body_order)
        tables = {
            "harmonics": harmonics_from_monomials(settings.l_max),
            "even": even,
            "odd": odd,
            "quadrature_weights": quadrature_weights,
            "degree_average": degree_averages(settings.l_max),
        }
        super().__init__(species, settings, charge, lowest_hardness, reference_energies, energy_scale, tables)
        self.body_order = settings.body_order
        n_s = self.n_species
        n_density = n_s * self.n_radial
        n_channels = settings.n_channels
        n_features = n_products(self.l_max, self.body_order) * n_channels

        self.register_buffer("density_mean", torch.zeros(n_s, n_density))
        whitening = torch.eye(n_density) / math.sqrt(max(average_neighbors, 1.0))
        self.register_buffer("whitening", whitening.repeat(n_s, self.l_max + 1, 1, 1))
        self.register_buffer("feature_mean", torch.zeros(n_s, n_features))
        self.register_buffer("feature_spread", torch.ones(n_s, n_features))

        self.mixing = nn.Parameter(
            torch.randn(n_s, self.l_max + 1, n_density, n_channels) / math.sqrt(n_density)
        )
        self.readout = Readout(n_s, n_features, list(settings.hidden), self.n_outputs, settings.charge_state)
        if charge:
            self._spread_charges()

    def interaction(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        n_local: int,
        charge_per_atom: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Energies without the reference energies, and what `charge_from_output` returns; arguments as :meth:`forward`.

        ``charge_per_atom [n_local]``, e, of each atom's frame, for a network that is conditioned on the charge state; default 0.
        """
        output = self.readout_rows(species, edge_index, edge_vectors, n_local, charge_per_atom)
        energy = self.energy_from_output(output, species, edge_index, edge_vectors, n_local)
        return energy, self.charge_from_output(output)

    def last_hidden(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """Values ``[n_local, hidden[-1]]`` of the last hidden layer of the readout; arguments as :meth:`forward`."""
        return self.readout_rows(species, edge_index, edge_vectors, n_local, None, True)

    def readout_rows(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        n_local: int,
        charge_per_atom: Tensor | None,
        hidden: bool = False,
    ) -> Tensor:
        """Outputs ``[n_local, n_outputs]`` of the readout, or with `hidden` the values of its last hidden layer."""
        state = self.readout_state(charge_per_atom)
        fused = self.fused and self.fused_activations
        a = self.density(species, edge_index, edge_vectors, n_local)
        rows: list[Tensor] = []
        members: list[Tensor] = []
        for s in range(self.n_species):
            index = torch.nonzero(species[:n_local] == s).view(-1)
            x = self.features(torch.index_select(a, 1, index), s)
            of_atoms = None if state is None else torch.index_select(state, 0, index)
            if hidden:
                rows.append(self.readout.hidden(x, s, of_atoms, fused))
            else:
                rows.append(self.readout(x, s, of_atoms, fused))
            members.append(index)
        order = torch.cat(members)  # atom of each row, which are grouped by species
        row = torch.zeros_like(order).scatter(0, order, torch.arange(order.size(0), device=order.device))
        return torch.index_select(torch.cat(rows), 0, row)

    def features(self, a: Tensor, s: int) -> Tensor:
        """Inputs ``[n, n_features]`` of the readout for atoms of species ``s`` with densities ``a [n_lm, n, n_density]``.

        Products of four densities have long tails: an atom in a rare neighborhood has features of 50 standard deviations,
        for which the readout has learned nothing. A square root of large values leaves the others as they are.
        """
        x = self.unnormalized_features(a, s)
        if self.fused:
            if self.fused_activations and x.device.type == "cpu":
                return torch.ops.pair_les.squash(x, self.feature_mean[s], self.feature_spread[s])
        return squash(x, self.feature_mean[s], self.feature_spread[s])

    def unnormalized_features(self, a: Tensor, s: int) -> Tensor:
        """Invariants ``[n, n_features]`` before normalization."""
        weight = torch.bmm(self.whitening[s], self.mixing[s])  # [l_max + 1, n_density, n_channels]
        # only l = 0 has a mean
        mean = torch.nn.functional.pad(self.density_mean[s].view(1, 1, -1), [0, 0, 0, 0, 0, self.n_lm - 1])
        f = torch.bmm(a - mean, torch.index_select(weight, 0, self.degrees))  # [n_lm, n, n_channels]
        return self.products(f)

    def products(self, f: Tensor) -> Tensor:
        """Invariants ``[n, n_features]`` of mixed densities ``f [n_lm, n, n_channels]``; the operator as in :meth:`density`."""
        if self.fused:
            if torch.jit.is_scripting() or f.device.type == "cpu":
                return torch.ops.pair_les.products(
                    f, self.even, self.odd, self.quadrature_weights, self.body_order
                )
        x = invariants(f, self.degree_average, self.even, self.odd, self.quadrature_weights, self.body_order)
        return x.permute(1, 0, 2).reshape(f.size(1), x.size(0) * x.size(2))

    @torch.no_grad()
    def fit_statistics(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> None:
        """Normalize densities and features by their statistics over one representative batch (call once, before training).

        The density of each center species is centered (l = 0) and whitened per degree, so that the learned mixing starts
        from uncorrelated inputs of order 1; then the features are centered and scaled to unit variance. Neither is scaled by
        less than displaced neighbors do (:mod:`pair_les.net.statistics`). A species that does not occur in the batch keeps its
        defaults.
        """
        of_atom = species[:n_local]
        counts = torch.bincount(of_atom, minlength=self.n_species)
        a = self.density(species, edge_index, edge_vectors, n_local)
        graphs = rattled(edge_vectors, edge_index[0], n_local)
        moved = torch.cat([self.density(species, edge_index, vectors, n_local) for vectors in graphs], 1)
        of_moved = of_atom.repeat(len(graphs))
        present = torch.nonzero(counts).view(-1).tolist()

        covariance = torch.zeros(self.whitening.shape, dtype=torch.float64)
        change = torch.zeros_like(covariance)
        for s in present:
            of_s = a[:, of_atom == s].double()
            mean = of_s[0].mean(0)
            self.density_mean[s] = mean
            copies = moved[:, of_moved == s].double().view(self.n_lm, len(graphs), *of_s.shape[1:])
            difference = (copies - of_s.unsqueeze(1)).flatten(1, 2)
            of_s[0] -= mean
            for degree in range(self.l_max + 1):
                covariance[s, degree] = second_moment(of_s[degree**2 : (degree + 1) ** 2])
                change[s, degree] = second_moment(difference[degree**2 : (degree + 1) ** 2])
        covariance += change + pooled(covariance + change, counts)
        smallest = gas_variance(edge_index.size(1), n_local)
        for s in present:
            for degree in range(self.l_max + 1):
                self.whitening[s, degree] = inverse_square_root(covariance[s, degree], smallest)

        variance = torch.zeros(self.feature_spread.shape, dtype=torch.float64)
        change = torch.zeros_like(variance)
        for s in present:
            x = self.unnormalized_features(a[:, of_atom == s], s)
            self.feature_mean[s] = x.mean(0)
            variance[s] = x.double().var(0, correction=min(x.size(0) - 1, 1))
            change[s] = typical_change(x, self.unnormalized_features(moved[:, of_moved == s], s))
        # Channels of two species are different combinations of densities: what they share is the size of each product.
        by_product = variance.maximum(change).view(self.n_species, -1, self.settings.n_channels)
        shared = (
            pooled(by_product.mean(2, keepdim=True), counts).expand(by_product.shape).reshape(variance.shape)
        )
        normal = self.products(normal_density(self.n_lm, self.settings.n_channels, a)).double()
        floor = FEATURE_FLOOR**2 * normal.var(0)
        for s in present:
            self.feature_spread[s] = variance[s].maximum(change[s]).maximum(shared[s]).maximum(floor).sqrt()
