# SPDX-License-Identifier: MIT
"""Common base of the networks that start from a density of neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pair_les.net.base import ContractNet
from pair_les.net.density import density
from pair_les.net.settings import NetSettings


class DensityNet(ContractNet):
    """A network on the densities of the neighbors of each species; arguments as :class:`ContractNet`."""

    if TYPE_CHECKING:  # buffers
        harmonics: Tensor
        even: Tensor
        odd: Tensor
        degree_average: Tensor
        degrees: Tensor

    def __init__(
        self,
        species: list[str],
        settings: NetSettings,
        charge: bool,
        lowest_hardness: float | None,
        reference_energies: dict[str, float] | None,
        energy_scale: float,
        tables: dict[str, np.ndarray],
    ) -> None:
        super().__init__(species, settings, charge, lowest_hardness, reference_energies, energy_scale, tables)
        self.n_radial = settings.n_radial
        self.l_max = settings.l_max
        self.n_lm = (self.l_max + 1) ** 2
        degrees = [degree for degree in range(self.l_max + 1) for _ in range(2 * degree + 1)]
        self.register_buffer("degrees", torch.tensor(degrees), persistent=False)

    def density(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int) -> Tensor:
        """Density as ``[n_lm, n_local, n_species * n_radial]``; arguments as :meth:`forward`.

        A model file's fused form calls the operator on any device: its readers choose that form where the operator exists, which
        on a GPU is inside ``pair_style les/kk``.
        """
        center = edge_index[0]
        neighbor_species = torch.index_select(species, 0, edge_index[1])
        if self.fused:
            if torch.jit.is_scripting() or edge_vectors.device.type == "cpu":
                return torch.ops.pair_les.density(
                    edge_vectors,
                    center,
                    neighbor_species,
                    self.harmonics,
                    n_local,
                    self.n_species,
                    self.cutoff,
                    self.n_radial,
                )
        a = density(
            edge_vectors,
            center,
            neighbor_species,
            n_local,
            self.n_species,
            self.harmonics,
            self.cutoff,
            self.n_radial,
            self.l_max,
        )
        return a.permute(3, 0, 1, 2).reshape(self.n_lm, n_local, self.n_species * self.n_radial)
