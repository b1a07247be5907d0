# SPDX-License-Identifier: MIT
"""Floors of the variances that the networks' normalization is made from.

Training frames alone do not tell how large a density can be. On the perfect sites of a crystal all densities of degree 1 to 3
vanish by symmetry, in a series of strained cells each atom has one neighborhood, a rare element has a single one: their variance
is rounding noise, and division by it turns any displaced atom into a feature of 1e6 standard deviations. Three scales bound the
response to a displacement, and are without effect where neighborhoods differ as they do in a liquid or at finite temperature:

- the change when every atom is displaced at random by `RATTLE`, or a share of it where features are not squashed;
- the spread of all species, divided by the number of atoms + 1: half of it for a species that occurs once;
- `FLOOR` times the variance in an ideal gas of the same number of neighbors, for atoms with none or next to none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

RATTLE = 0.1
"""Standard deviation of each component of a random displacement, angstrom: the smallest that changes features by order 1. Atoms of a
solid at room temperature move as much; harmonic energies at this amplitude, 0.01 to 0.1 eV, are those of the first epochs."""

RATTLED_ATOMS = 1000
"""Displaced neighborhoods to draw at least: 3 % of a variance."""

MAX_COPIES = 100
"""Times that the frames are displaced at most."""

FLOOR = 1e-2
"""Of the largest variance, or of that of an ideal gas: directions that hardly vary are not blown up to order 1."""

GAS_VARIANCE = 1.5 * 1024.0 / 3003.0
"""Mean square of ``B_k(r) Y_lm`` for a neighbor at a random place within the cutoff: ``3/2 int_0^1 (1 - x^2)^6 dx``, for every k."""

FEW_NEIGHBORS = 10.0
"""Neighbors that atoms of a condensed phase have at least: a network trained on lone atoms or molecules in vacuum meets them there."""

FEATURE_FLOOR = 0.05
"""Of the spread of a feature whose densities are independent normal numbers of unit variance."""
MESSAGE_CHANGE = 0.5
"""Size of messages, at least, relative to their change with every atom displaced by `RATTLE`; and"""

SPREAD_CHANGE = 0.15
"""spread of features that are not squashed, relative to theirs: shares with next to no effect in liquids and molecules, whose bonds
vibrate by less than `RATTLE`. Densities and products of networks with messages are larger than their changes there."""

SHARED_FLOOR = 0.1
"""`FEATURE_FLOOR` where features are not squashed: the largest that is without effect in liquids, alloys and molecules."""


def rattled(edge_vectors: Tensor, center: Tensor, n_atoms: int) -> list[Tensor]:
    """Copies of ``edge_vectors [n_edges, 3]`` with every atom displaced at random by `RATTLE`, the same in every call.

    The neighbor of each edge has a displacement of its own: periodic images of one atom are different atoms in a larger cell.
    There are enough copies for `RATTLED_ATOMS` neighborhoods of the ``n_atoms`` centers, ``center [n_edges]``.
    """
    generator = torch.Generator().manual_seed(0)
    copies = []
    for _ in range(min(max(-(-RATTLED_ATOMS // max(n_atoms, 1)), 1), MAX_COPIES)):
        neighbors = torch.randn(edge_vectors.shape, generator=generator, dtype=torch.float64)
        centers = torch.randn(n_atoms, 3, generator=generator, dtype=torch.float64)
        copies.append(edge_vectors + RATTLE * (neighbors - centers[center]).to(edge_vectors))
    return copies


def gas_variance(n_edges: int, n_atoms: int) -> float:
    """Variance of a component of the density in an ideal gas with as many neighbors as these atoms have, `FEW_NEIGHBORS` at least."""
    return GAS_VARIANCE * max(n_edges / max(n_atoms, 1), FEW_NEIGHBORS)


def smallest_mean_square(n_edges: int, n_atoms: int) -> float:
    """`FLOOR` times `gas_variance`; all of it for the neighbors that atoms lack to `FEW_NEIGHBORS`.

    For networks whose features are polynomials of the density of any size.
    """
    missing = max(FEW_NEIGHBORS - n_edges / max(n_atoms, 1), 0.0)
    return max(FLOOR * gas_variance(n_edges, n_atoms), GAS_VARIANCE * missing)


def shared_floor(n_edges: int, n_atoms: int) -> float:
    """`SHARED_FLOOR`, or the share of `FEW_NEIGHBORS` that atoms lack where that is larger.

    Products of features that are not squashed are polynomials of high degree: what lone atoms or dimers leave undetermined
    grows by orders of magnitude with each neighbor.
    """
    return max(SHARED_FLOOR, 1.0 - n_edges / max(n_atoms, 1) / FEW_NEIGHBORS)


def pooled(values: Tensor, counts: Tensor) -> Tensor:
    """Mean of variances ``values [n_species, ...]`` over all ``counts [n_species]`` atoms, divided by the square of one more than
    the number of atoms of each species: ``[n_species, ...]``."""
    weight = counts.to(values).view([-1] + [1] * (values.dim() - 1))
    return (weight * values).sum(0, keepdim=True) / weight.sum().clamp_min(1.0) / (weight + 1.0).square()


def second_moment(values: Tensor) -> Tensor:
    """Mean of the outer products ``[n_density, n_density]`` of ``values [..., n_density]``."""
    rows = values.reshape(-1, values.size(-1))
    return rows.t() @ rows / rows.size(0)


def inverse_square_root(covariance: Tensor, smallest: float) -> Tensor:
    """``(C + floor)^(-1/2)`` of ``C [n, n]``; the floor is `FLOOR` times its largest eigenvalue, or times `smallest`."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp_min(0.0) + FLOOR * values[-1].clamp_min(smallest)
    return (vectors / values.sqrt()) @ vectors.t()


def typical_change(values: Tensor, displaced: Tensor) -> Tensor:
    """Size of ``displaced - values`` in each column, squared: ``[n, n_columns]`` and ``[n_copies n, n_columns]`` to ``[n_columns]``.

    That of two thirds of the atoms, which for a normal distribution is its standard deviation: products of four densities have
    long tails, to which a few atoms that come close to each other would give the whole mean square.
    """
    change = (displaced.view(-1, *values.shape) - values).flatten(0, 1).abs()
    return change.kthvalue(max(round(0.683 * change.size(0)), 1), 0).values.double().square()


def largest_change(values: Tensor, displaced: Tensor, species: Tensor) -> Tensor:
    """The largest `typical_change` of any species, for atoms of ``species [n]``."""
    of_displaced = species.repeat(displaced.size(0) // max(species.size(0), 1))
    return torch.stack(
        [typical_change(values[species == s], displaced[of_displaced == s]) for s in torch.unique(species)]
    ).amax(0)


def normal_density(n_lm: int, n_channels: int, like: Tensor) -> Tensor:
    """``[n_lm, 1000, n_channels]``: independent normal numbers of unit variance, the same in every call."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_lm, 1000, n_channels, generator=generator, dtype=torch.float64).to(like)


def inverse_sizes(values: Sequence[Tensor], species: Tensor, smallest: float, share: float = 1.0) -> Tensor:
    """Inverse root mean square of each degree, from ``values [n_lm, n, n_channels]`` of the frames and of displaced ones.

    Sizes are at least `share` times those of the changes of any species, and mean squares at least `smallest`.
    """
    squares = []
    for degree in range(math.isqrt(values[0].size(0))):
        # [n (2 degree + 1) n_channels, 1], atoms first
        parts = [part[degree**2 : (degree + 1) ** 2].transpose(0, 1).reshape(-1, 1) for part in values]
        of_row = species.repeat_interleave(parts[0].size(0) // species.size(0))
        change = largest_change(parts[0], torch.cat(parts[1:]), of_row)
        square = float(parts[0].double().square().mean())
        squares.append(max(square, share**2 * float(change)))
    return torch.tensor(squares, dtype=torch.float64).clamp_min(smallest).rsqrt()
