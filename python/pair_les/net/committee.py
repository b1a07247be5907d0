# SPDX-License-Identifier: MIT
"""Several networks as one model: the means of their outputs, and the outputs of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pair_les.net.base import ContractNet


class Committee(nn.Module):
    """Means of the energies and charges of several networks of the contract's signature.

    Beside ``energy`` and ``charge`` it returns ``member_energy`` and ``member_charge``, ``[n_members, n_local]``, from which
    LAMMPS's ``compute les/committee/atom`` takes the spread of the forces and charges.

    Parameters
    ----------
    members : list of Module
        At least two, of one list of species, one cutoff and one dtype.
    """

    def __init__(self, members: Sequence[ContractNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """Return the means of the outputs of the networks (contract version 1)."""
        outputs: list[dict[str, Tensor]] = []
        for member in self.members:
            outputs.append(member(species, edge_index, edge_vectors, n_local))
        return self.means(outputs)

    def means(self, outputs: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the result of :meth:`forward` from the outputs of the networks."""
        energies: list[Tensor] = []
        charges: list[Tensor] = []
        for output in outputs:
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

    def message_features(self) -> list[int]:
        """As :meth:`ContractNet.message_features`."""
        members = cast("Sequence[ContractNet]", self.members)
        return [sum(layer) for layer in zip(*(m.message_features() for m in members), strict=True)]


class MessagePassingCommittee(Committee):
    """A committee of networks with one message-passing layer, cut at its layers as they are.

    The messages of an atom are those of one network after the other.
    """

    def __init__(self, members: Sequence[ContractNet]) -> None:
        super().__init__(members)
        self.widths = [member.message_features()[0] for member in members]
        self.n_kept = 2  # tensors that each network keeps

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
        messages: list[Tensor] = []
        keeps: list[Tensor] = []
        for member in self.members:
            message, keep = member.send(  # type: ignore[operator]
                layer, species, edge_index, edge_vectors, received, kept, n_local
            )
            messages.append(message)
            keeps.extend(keep)
        return torch.cat(messages, 1), keeps

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
        outputs: list[dict[str, Tensor]] = []
        messages = torch.split(received, self.widths, 1)
        for number, member in enumerate(self.members):
            keep = kept[self.n_kept * number : self.n_kept * (number + 1)]
            outputs.append(
                member.finish(  # type: ignore[operator]
                    species, edge_index, edge_vectors, messages[number].contiguous(), keep, n_local
                )
            )
        return self.means(outputs)


def committee_of(members: Sequence[ContractNet]) -> Committee:
    """The committee of networks of this package that are alike but for their weights."""
    return (MessagePassingCommittee if members[0].message_features() else Committee)(members)
