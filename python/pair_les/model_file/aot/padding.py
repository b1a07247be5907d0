# SPDX-License-Identifier: MIT
"""Atoms and edges that stand before the real ones in every graph that a package sees. Twin: cpp/pair_les/core/padding.cpp.

A compiled graph may rely on every size being 2 or more: torch treats 0 and 1 as numbers of their own. So there are two atoms
of each species, and from each of them an edge to each of them; of the four edges between two species two are short and two are
long, for networks that pick edges by their length. They meet no real atom, and what the network says of them is dropped.
"""

from __future__ import annotations

import torch
from torch import Tensor

PER_SPECIES = 2
GHOSTS = 2
"""After the real ghosts, so that there are always more atoms than local atoms."""

DIRECTION = (1.0, 2.0, 3.0)
"""Of all padding edges, not normalized."""


def padding_lengths(cutoff: float) -> tuple[float, float]:
    """Lengths of the short and the long edges, angstrom; the short ones are within the radii of a repulsion of nuclei."""
    return min(0.5, 0.25 * cutoff), 0.75 * cutoff


def pad_graph(
    species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int, n_species: int, cutoff: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The graph of the contract with padding: species, species of the local atoms, edge_index, edge_vectors.

    The results of real atom i are those of atom ``PER_SPECIES * n_species + i``.
    """
    n_padding = PER_SPECIES * n_species
    device = edge_vectors.device
    atoms = torch.arange(n_padding, device=device)
    ghosts = torch.zeros(GHOSTS, dtype=torch.int64, device=device)
    species = torch.cat([atoms // PER_SPECIES, species, ghosts])
    center, neighbor = atoms.repeat_interleave(n_padding), atoms.repeat(n_padding)
    direction = torch.tensor(DIRECTION, dtype=torch.float64, device=device)
    short, long = padding_lengths(cutoff)
    lengths = torch.where((center + neighbor) % PER_SPECIES == 0, short, long)
    vectors = (lengths[:, None] * direction / direction.norm()).to(edge_vectors.dtype)
    return (
        species,
        species[: n_padding + n_local],
        torch.cat([torch.stack([center, neighbor]), edge_index + n_padding], 1),
        torch.cat([vectors, edge_vectors]),
    )


def pad_rows(received: Tensor, n_species: int) -> Tensor:
    """Messages ``[n_atoms, features]`` with rows of zeros for the padding atoms."""
    before = received.new_zeros([PER_SPECIES * n_species, received.size(1)])
    return torch.cat([before, received, received.new_zeros([GHOSTS, received.size(1)])])
