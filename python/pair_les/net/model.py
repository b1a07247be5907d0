# SPDX-License-Identifier: MIT
"""The strictly local network: density -> learned mixing -> invariant products -> per-atom energy and charge."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pair_les.net import fused
from pair_les.net.angular import harmonics_from_monomials
from pair_les.net.density import density
from pair_les.net.products import degree_averages, invariants, n_products, product_quadrature
from pair_les.net.readout import Readout
from pair_les.net.settings import NetSettings

CHARGE_SCALE = 0.05
"""Charge, e, of a network output of 1: keeps the long-range part of the first steps small against the short range."""


class LESNet(nn.Module):
    """Energy and charge of each local atom from the neighbours within one cutoff (``message_passing_layers`` = 0).

    Per centre species: ``F[c, lm] = sum_sk W_l[sk, c] (A[s, k, lm] - mean) ``, invariants of F, then a small network.

    Parameters
    ----------
    species : list of str
        Chemical symbols; the position is the species index given to :meth:`forward`.
    settings : NetSettings
        Cutoff and size.
    charge : bool
        Whether :meth:`forward` returns charges.
    reference_energies : dict, optional
        eV per atom of each species, added by :meth:`forward` and not by :meth:`interaction`. Default 0.
    energy_scale : float
        eV; multiplies the output of the network. The standard deviation of the atomic energies, or about 1.
    average_neighbors : float
        Typical number of neighbours; only scales the density until :meth:`fit_statistics` is called.

    Raises
    ------
    ValueError
        For an empty or repeated species list, or a reference energy that is missing, of an unknown element or not finite.
    """

    # Decided when the module is scripted: a script made where `fused` is False refers to no operator of this package.
    __constants__ = ("fused",)

    def __init__(
        self,
        species: list[str],
        settings: NetSettings,
        *,
        charge: bool,
        reference_energies: dict[str, float] | None = None,
        energy_scale: float = 1.0,
        average_neighbors: float = 30.0,
    ) -> None:
        super().__init__()
        if not species or len(set(species)) != len(species):
            raise ValueError(
                f"species = {species!r}: must be different chemical symbols; use for example ['O', 'H']"
            )
        references = _reference_list(species, reference_energies)
        self.fused = fused.load()
        self.species = list(species)
        self.settings = settings
        self.cutoff = settings.cutoff
        self.n_species = len(species)
        self.n_radial = settings.n_radial
        self.l_max = settings.l_max
        self.body_order = settings.body_order
        self.has_charge = charge
        self.charge_scale = CHARGE_SCALE
        n_lm = (self.l_max + 1) ** 2
        self.n_lm = n_lm
        n_density = self.n_species * self.n_radial
        n_channels = settings.n_channels
        n_features = n_products(self.l_max, self.body_order) * n_channels
        n_s = self.n_species

        even, odd, quadrature_weights = product_quadrature(self.l_max, self.body_order)
        # Numbers that follow from the settings: not part of the state dict, which holds what was fitted or learned.
        self.tables = {
            "harmonics": harmonics_from_monomials(self.l_max),
            "even": even,
            "odd": odd,
            "quadrature_weights": quadrature_weights,
            "degree_average": degree_averages(self.l_max),
        }
        for name, table in self.tables.items():
            self.register_buffer(name, torch.tensor(table, dtype=torch.get_default_dtype()), persistent=False)
        degrees = [degree for degree in range(self.l_max + 1) for _ in range(2 * degree + 1)]
        self.register_buffer("degrees", torch.tensor(degrees), persistent=False)

        self.register_buffer("reference_energies", torch.tensor(references, dtype=torch.float64))
        self.register_buffer("energy_scale", torch.tensor(float(energy_scale)))
        self.register_buffer("density_mean", torch.zeros(n_s, n_density))
        whitening = torch.eye(n_density) / math.sqrt(max(average_neighbors, 1.0))
        self.register_buffer("whitening", whitening.repeat(n_s, self.l_max + 1, 1, 1))
        self.register_buffer("feature_mean", torch.zeros(n_s, n_features))
        self.register_buffer("feature_scale", torch.ones(n_s, n_features))

        self.mixing = nn.Parameter(
            torch.randn(n_s, self.l_max + 1, n_density, n_channels) / math.sqrt(n_density)
        )
        self.readout = Readout(n_s, n_features, list(settings.hidden), 2 if charge else 1)
        if charge:
            # E_lr is quadratic in the charges: at zero charge its gradient vanishes, and training would not leave it.
            # The sign of latent charges is arbitrary; this fixes it for the order of the species.
            with torch.no_grad():
                self.readout.last.bias[:, 1] = torch.linspace(-0.1, 0.1, n_s) / CHARGE_SCALE

    def _apply(self, function, recurse: bool = True) -> LESNet:
        """Convert as any module, but fill the tables anew: a table rounded to float32 stays wrong in float64."""
        super()._apply(function, recurse)
        for name, table in self.tables.items():
            buffer = self.get_buffer(name)
            buffer.copy_(torch.tensor(table, dtype=torch.float64))
        return self

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """The signature of the deployed model (contract version 1).

        The reference energies enter here, last, in the dtype of the edge vectors. In float32 that rounds each atomic
        energy to 6e-8 of its size (3e-5 eV at -468 eV), without any effect on forces; training and anything else that
        needs energy differences to better than that uses :meth:`interaction` and adds the references in float64.

        Parameters
        ----------
        species : Tensor
            int64 ``[n_atoms]``, local atoms first.
        edge_index : Tensor
            int64 ``[2, n_edges]``, sorted by centre (row 0).
        edge_vectors : Tensor
            ``[n_edges, 3]``, angstrom, ``x_j - x_i``.
        n_local : int
            Number of local atoms.

        Returns
        -------
        dict
            ``energy`` ``[n_local]``, eV, and with charges ``charge`` ``[n_local]``, e.
        """
        energy, charge = self.interaction(species, edge_index, edge_vectors, n_local)
        shift = torch.index_select(self.reference_energies, 0, species[:n_local])
        result = {"energy": (energy + shift).to(edge_vectors.dtype)}
        if self.has_charge:
            result["charge"] = charge
        return result

    def interaction(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> tuple[Tensor, Tensor]:
        """Energies without the reference energies, and charges (``[0]`` without charges); arguments as :meth:`forward`."""
        a = self.density(species, edge_index, edge_vectors, n_local)
        outputs: list[Tensor] = []
        members: list[Tensor] = []
        for s in range(self.n_species):
            index = torch.nonzero(species[:n_local] == s).view(-1)
            x = self.features(torch.index_select(a, 1, index), s)
            outputs.append(self.readout(x, s))
            members.append(index)
        order = torch.cat(members)  # atom of each row of the outputs, which are grouped by species
        row = torch.zeros_like(order).scatter(0, order, torch.arange(order.size(0), device=order.device))
        output = torch.index_select(torch.cat(outputs), 0, row)  # [n_local, 1 or 2]
        energy = output[:, 0] * self.energy_scale
        charge = output[:, 1] * self.charge_scale if self.has_charge else output[:0, 0]
        return energy, charge

    def density(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """Density as ``[n_lm, n_local, n_species * n_radial]``; arguments as :meth:`forward`."""
        centre = edge_index[0]
        neighbour_species = torch.index_select(species, 0, edge_index[1])
        if self.fused:
            if edge_vectors.device.type == "cpu":
                return torch.ops.pair_les.density(
                    edge_vectors,
                    centre,
                    neighbour_species,
                    self.harmonics,
                    n_local,
                    self.n_species,
                    self.cutoff,
                    self.n_radial,
                )
        a = density(
            edge_vectors,
            centre,
            neighbour_species,
            n_local,
            self.n_species,
            self.harmonics,
            self.cutoff,
            self.n_radial,
            self.l_max,
        )
        return a.permute(3, 0, 1, 2).reshape(self.n_lm, n_local, self.n_species * self.n_radial)

    def features(self, a: Tensor, s: int) -> Tensor:
        """Normalised invariants ``[n, n_features]`` of atoms of species ``s`` with densities ``a [n_lm, n, n_density]``."""
        x = (self.raw_features(a, s) - self.feature_mean[s]) / self.feature_scale[s]
        return x

    def raw_features(self, a: Tensor, s: int) -> Tensor:
        """Invariants ``[n, n_features]`` before normalisation."""
        weight = torch.bmm(self.whitening[s], self.mixing[s])  # [l_max + 1, n_density, n_channels]
        f = torch.bmm(a, torch.index_select(weight, 0, self.degrees))  # [n_lm, n, n_channels]
        scalar = f[0:1] - torch.mv(weight[0].t(), self.density_mean[s])  # only l = 0 has a mean
        f = torch.cat([scalar, f[1:]])
        if self.fused:
            if f.device.type == "cpu":
                return torch.ops.pair_les.products(
                    f, self.even, self.odd, self.quadrature_weights, self.body_order
                )
        x = invariants(f, self.degree_average, self.even, self.odd, self.quadrature_weights, self.body_order)
        return x.permute(1, 0, 2).reshape(f.size(1), x.size(0) * x.size(2))

    @torch.no_grad()
    def start_from_charges(self, charges: dict[str, float]) -> None:
        """Make every atom of an element start with the same charge, e (an element that is not named: 0)."""
        self.readout.last.weight[:, :, 1] = 0.0
        for s, name in enumerate(self.species):
            self.readout.last.bias[s, 1] = charges.get(name, 0.0) / self.charge_scale

    def initial_charges(self) -> list[float]:
        """Charge of each species where the features are at their means and the last layer has no weights, e."""
        return (self.readout.last.bias[:, 1] * self.charge_scale).tolist()

    @torch.no_grad()
    def charge_output(self) -> list[Tensor]:
        """Copies of the weights ``[n_species, n_hidden]`` and biases ``[n_species]`` of the charge output."""
        return [parameter[..., 1].clone() for parameter in (self.readout.last.weight, self.readout.last.bias)]

    @torch.no_grad()
    def restore_charge_output(self, copies: list[Tensor]) -> None:
        """Put back what `charge_output` returned."""
        for parameter, copy in zip((self.readout.last.weight, self.readout.last.bias), copies, strict=True):
            parameter[..., 1] = copy

    @torch.no_grad()
    def fit_statistics(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> None:
        """Normalise densities and features by their statistics over one representative batch (call once, before training).

        The density of each centre species is centred (l = 0) and whitened per degree, so that the learned mixing starts
        from uncorrelated inputs of order 1; then the features are centred and scaled to unit variance. A species that
        does not occur in the batch keeps its defaults.
        """
        a = self.density(species, edge_index, edge_vectors, n_local)
        for s in range(self.n_species):
            a_s = a[:, species[:n_local] == s]
            if a_s.size(1) < 2:
                continue
            centred = a_s.to(torch.float64, copy=True)
            self.density_mean[s] = centred[0].mean(0)
            centred[0] -= centred[0].mean(0)
            for degree in range(self.l_max + 1):
                rows = centred[degree**2 : (degree + 1) ** 2].reshape(-1, a_s.size(2))
                self.whitening[s, degree] = _inverse_square_root(rows.t() @ rows / rows.size(0))
            x = self.raw_features(a_s, s)
            self.feature_mean[s] = x.mean(0)
            self.feature_scale[s] = x.std(0).clamp_min(1e-6)


def _inverse_square_root(covariance: Tensor, relative_floor: float = 1e-2) -> Tensor:
    """``(C + floor * max eigenvalue)^(-1/2)``: directions that hardly vary are not blown up to order 1."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp_min(0.0) + relative_floor * values[-1].clamp_min(1e-30)
    return (vectors / values.sqrt()) @ vectors.t()


def _reference_list(species: list[str], reference_energies: dict[str, float] | None) -> list[float]:
    """Reference energies in the order of ``species``; ``ValueError`` where they do not match the species."""
    if reference_energies is None:
        return [0.0] * len(species)
    for name, value in reference_energies.items():
        if name not in species:
            raise ValueError(
                f"reference_energies: {name} is not a species of this model; use only {' '.join(species)}"
            )
        if not math.isfinite(value):
            raise ValueError(f"reference_energies: {name} = {value}: must be a finite number of eV")
    for name in species:
        if name not in reference_energies:
            raise ValueError(f"reference_energies: no value for {name}; add '{name}: <eV per atom>'")
    return [float(reference_energies[name]) for name in species]
