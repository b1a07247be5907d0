# SPDX-License-Identifier: MIT
"""Several networks as one model: their means, and what each of them says."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Committee(nn.Module):
    """Means of the energies and charges of several networks of the contract's signature.

    Beside ``energy`` and ``charge`` it returns ``member_energy`` and ``member_charge``, ``[n_members, n_local]``, from which
    LAMMPS's ``compute les/committee/atom`` takes the spread of the forces and charges.

    Parameters
    ----------
    members : list of Module
        At least two, of one list of species, one cutoff and one dtype.
    """

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """As the networks (contract version 1)."""
        energies: list[Tensor] = []
        charges: list[Tensor] = []
        for member in self.members:
            output = member(species, edge_index, edge_vectors, n_local)
            energies.append(output["energy"])
            if "charge" in output:
                charges.append(output["charge"])
        member_energy = torch.stack(energies)
        result = {"energy": member_energy.mean(0), "member_energy": member_energy}
        if len(charges) > 0:
            member_charge = torch.stack(charges)
            result["charge"] = member_charge.mean(0)
            result["member_charge"] = member_charge
        return result
