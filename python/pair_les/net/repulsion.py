# SPDX-License-Identifier: MIT
"""Screened repulsion of nuclei (Ziegler, Biersack, Littmark 1985): for distances that no training frame has."""

from __future__ import annotations

import numpy as np
import torch
from ase.data import atomic_numbers, covalent_radii
from torch import Tensor

from pair_les.constants import COULOMB_CONSTANT

SCREENING_LENGTH = 0.46850
"""angstrom: 0.8854 Bohr radii."""


def repulsion_tables(species: list[str]) -> dict[str, np.ndarray]:
    """Per pair of species, [S, S]: strength ``k_e Z Z'`` (eV angstrom), inverse screening length, radius (angstrom).

    The radius, where the repulsion ends, is the sum of the covalent radii.

    Raises
    ------
    ValueError
        If a species is not a chemical element.
    """
    for name in species:
        if atomic_numbers.get(name, 0) == 0:
            raise ValueError(f"model.zbl: {name} is not a chemical element; use model.zbl false")
    z = np.array([atomic_numbers[name] for name in species], dtype=float)
    radius = np.array([covalent_radii[int(number)] for number in z])
    return {
        "zbl_strength": COULOMB_CONSTANT * np.outer(z, z),
        "zbl_inverse_length": np.add.outer(z**0.23, z**0.23) / SCREENING_LENGTH,
        "zbl_radius": np.add.outer(radius, radius),
    }


def pair_repulsion(r: Tensor, strength: Tensor, inverse_length: Tensor, radius: Tensor) -> Tensor:
    """``strength / r phi(r / a) f(r / radius)``, eV, for r < radius (angstrom); twice differentiable at the radius.

    phi is the universal screening function, f(x) = 1 - 10 x^3 + 15 x^4 - 6 x^5. All arguments and the result [E].
    """
    x = r * inverse_length
    phi = (
        0.18175 * torch.exp(-3.19980 * x)
        + 0.50986 * torch.exp(-0.94229 * x)
        + 0.28022 * torch.exp(-0.40290 * x)
        + 0.02817 * torch.exp(-0.20162 * x)
    )
    y = r / radius
    return strength / r * phi * (1.0 - y * y * y * (10.0 - y * (15.0 - 6.0 * y)))


def repulsion_energy(
    species: Tensor,
    edge_index: Tensor,
    edge_vectors: Tensor,
    n_local: int,
    strength: Tensor,
    inverse_length: Tensor,
    radius: Tensor,
) -> Tensor:
    """Half of each pair's repulsion for its center, eV, ``[n_local]``; arguments of the contract, tables [S, S]."""
    row = species[edge_index[0]] * radius.size(0) + species[edge_index[1]]  # of the flattened tables
    reach = radius.view(-1)[row]
    near = torch.nonzero((edge_vectors.square().sum(1) < reach * reach) & (edge_index[0] < n_local)).view(-1)
    row = row[near]
    r = edge_vectors[near].square().sum(1).sqrt()
    pair = pair_repulsion(r, strength.view(-1)[row], inverse_length.view(-1)[row], radius.view(-1)[row])
    zero = torch.zeros(n_local, dtype=edge_vectors.dtype, device=edge_vectors.device)
    return zero.index_add(0, edge_index[0][near], 0.5 * pair)
