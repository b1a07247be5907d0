# SPDX-License-Identifier: MIT
"""Initial charges of the elements, by linear least squares on energies and forces.

Why: charges enter the energy as products, so a network that starts near q = 0 starts on a saddle point, and whatever a
growing charge adds within the cutoff the short-range part must take back at the same pace. Training then creeps. A pair
potential for every pair of elements plus ``sum_st M_st E_st``, with ``E_st`` the long-range energy of unit charges on the
elements s and t (docs/theory/long_range.md), is linear in its coefficients; its least-squares ``M`` is close to ``Q Q^T``.

Only charges that add up to zero in every neutral periodic frame are fitted: like charges on all atoms repel each other smoothly, which
the many-body forces of a metal resemble more than pair potentials do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from ..data.batches import Batch, collate
from ..data.graphs import Graph
from ..long_range.energy import long_range_energy
from ..long_range.slab import slab_energy
from ..model_file.metadata import LongRange
from ..net.edge_vectors import edge_vectors
from ..net.radial import radial_basis

N_RADIAL = 16
"""Functions per pair potential: resolves 0.35 angstrom at a cutoff of 5.5 angstrom, an O-H bond included."""

FIT_ATOMS = 4000
"""Atoms to fit, three equations each: water needs this many to be sure, and it takes 3 s."""

NEUTRAL = 1e-6
"""Net charge of a frame, relative to its charges, that is rounding."""

NEGLIGIBLE_CHARGE = 0.05
"""e per atom: initial charges whose sum is off by more are worth a warning."""

SIGNIFICANCE = 5.0
"""The largest eigenvalue of M must exceed its standard error by this factor; otherwise the data do not show charges."""


def fit_initial_charges(
    graphs: Sequence[Graph], species: Sequence[str], cutoff: float, long_range: LongRange, seed: int
) -> dict[str, float] | None:
    """Charges of the elements that best explain energies and forces together with pair potentials.

    They add up to the total charge of each periodic frame (0 without a label); where such frames of one composition have different
    total charges, only neutral ones count. The common sign is not determined by energies and forces; where total charges do not determine it
    either, the first element of `species` with a charge is made positive.

    Parameters
    ----------
    graphs
        Training frames.
    species
        Elements of the model; the position is the species index.
    cutoff
        Of the pair potentials, angstrom.
    long_range
        Options of the long-range energy.
    seed
        Chooses the frames.

    Returns
    -------
    e, of each element; None where no charges but 0 add up (one element, alloys of several compositions), or the data show none.
    """
    composition, totals = _compositions(graphs, len(species))
    directions = neutral_directions(composition[totals == 0.0])
    if len(species) < 2 or directions.shape[1] == 0:
        return None
    batch = collate(_choose_frames(graphs, seed))
    pairs = list(combinations_with_replacement(range(directions.shape[1]), 2))
    energy_columns, force_columns = _design_matrix(batch, directions, cutoff, long_range)
    weight = batch.n_atoms.double().rsqrt()  # one energy counts as much as the force components of one atom
    matrix = torch.cat([energy_columns * weight[:, None], force_columns.reshape(-1, force_columns.shape[-1])])
    target = torch.cat([batch.energy * weight, batch.forces.reshape(-1)])
    labeled = target.isfinite()
    matrix, target = matrix[labeled], target[labeled]
    scale = matrix.norm(dim=0).clamp(min=1e-300)  # columns of very different size
    pseudo_inverse = torch.linalg.pinv(matrix / scale, rtol=1e-10)
    coefficients = pseudo_inverse @ target / scale
    variance = (matrix @ coefficients - target).square().mean()
    errors = (pseudo_inverse.square().sum(1) * variance).sqrt() / scale
    charges = _extract_leading_charges(coefficients[-len(pairs) :], errors[-len(pairs) :], pairs, directions)
    if charges is None:
        return None
    charges = _adjust_to_totals(charges, composition, totals)
    return {symbol: float(charge) for symbol, charge in zip(species, charges, strict=True)}


def _compositions(graphs: Sequence[Graph], n_species: int) -> tuple[Tensor, Tensor]:
    """Different compositions of periodic frames, atoms of each element ``[n, n_species]``, and total charges, e ``[n]``; float64.

    Isolated frames may be ions that nothing marks as such.
    """
    rows = [torch.zeros(0, n_species + 1, dtype=torch.float64)]
    for graph in graphs:
        if not graph.periodic:
            continue
        labels = graph.charge_labels
        total = torch.zeros(1) if labels is None else labels.total_charge
        counts = torch.bincount(graph.species, minlength=n_species)
        rows.append(torch.cat([counts.double(), total.double()])[None])
    different = torch.unique(torch.cat(rows), dim=0)
    return different[:, :-1], different[:, -1]


def neutral_directions(composition: Tensor) -> Tensor:
    """Orthonormal columns ``[n_species, n_directions]`` that span the charges which add up to 0 for each row of
    ``composition [n, n_species]``."""
    n_species = composition.shape[1]
    if len(composition) == 0:
        return torch.eye(n_species, dtype=torch.float64)
    rows = composition / composition.sum(1, keepdim=True)
    _, sizes, vectors = torch.linalg.svd(torch.cat([rows, torch.zeros(n_species, n_species)]).double())
    return vectors[sizes <= NEUTRAL * sizes[0]].t()


def _adjust_to_totals(charges: Tensor, composition: Tensor, totals: Tensor) -> Tensor:
    """The nearest charges, of either sign, that add up to ``totals [n]`` for ``composition [n, n_species]``, where there are some.

    Without charged frames these are the charges as they are.
    """
    if not bool(totals.any()):
        return charges
    sums = composition @ charges
    signed = charges if (sums - totals).norm() <= (sums + totals).norm() else -charges
    added = torch.linalg.pinv(composition, rtol=NEUTRAL) @ (totals - composition @ signed)
    consistent = (composition @ (signed + added) - totals).abs().max() <= NEUTRAL * composition.sum(1).max()
    return signed + added if bool(consistent) else charges


def largest_imbalance(
    graphs: Sequence[Graph], species: Sequence[str], charges: dict[str, float]
) -> tuple[float, float, int]:
    """Sum of the charges of the elements, e, total charge, e, and number of atoms of the periodic frame where the two differ the
    most, per atom; zeros without periodic frames."""
    composition, totals = _compositions(graphs, len(species))
    if len(totals) == 0:
        return 0.0, 0.0, 0
    sums = composition @ torch.tensor([charges[symbol] for symbol in species], dtype=torch.float64)
    n_atoms = composition.sum(1)
    worst = int(((sums - totals).abs() / n_atoms).argmax())
    return float(sums[worst]), float(totals[worst]), int(n_atoms[worst])


def mean_potentials(
    graphs: Sequence[Graph],
    species: Sequence[str],
    charges: dict[str, float],
    long_range: LongRange,
    seed: int,
) -> dict[str, float]:
    """Mean of ``dE_lr/dq``, V, over the atoms of each element (0 for one that is not there), for one charge per element, e."""
    batch = collate(_choose_frames(graphs, seed))
    of_species = torch.tensor([charges.get(symbol, 0.0) for symbol in species], dtype=torch.float64)
    q = of_species[batch.species].requires_grad_(True)
    energy = long_range_energy(batch.positions, q, batch.cell, batch.periodic, batch.frame, long_range)
    (potential,) = torch.autograd.grad(energy.sum(), q)
    sums = torch.zeros(len(species), dtype=torch.float64).index_add(0, batch.species, potential)
    counts = torch.bincount(batch.species, minlength=len(species)).clamp(min=1)
    return dict(zip(species, (sums / counts).tolist(), strict=True))


def _choose_frames(graphs: Sequence[Graph], seed: int) -> list[Graph]:
    order = torch.randperm(len(graphs), generator=torch.Generator().manual_seed(seed)).tolist()
    sizes = np.cumsum([graphs[index].n_atoms for index in order])
    return [graphs[index] for index in order[: int(np.searchsorted(sizes, FIT_ATOMS)) + 1]]


def _design_matrix(
    batch: Batch, directions: Tensor, cutoff: float, long_range: LongRange
) -> tuple[Tensor, Tensor]:
    """Energies [B, C] and forces [N, 3, C] of every term: element energies, pair potentials, long-range energies.

    The last columns are long-range energies of products of the charges in ``directions [n_species, n_directions]``, in the order
    of `combinations_with_replacement`.
    """
    n_frames, n_atoms, n_species = len(batch.n_atoms), len(batch.species), len(directions)
    element = torch.nn.functional.one_hot(batch.species, n_species).double()
    counts = torch.zeros(n_frames, n_species, dtype=torch.float64).index_add(0, batch.frame, element)
    energies, forces = [counts], [torch.zeros(n_atoms, 3, n_species, dtype=torch.float64)]

    center, neighbor = batch.edge_index[0], batch.edge_index[1]
    vectors = edge_vectors(batch.positions, batch.edge_index, batch.shifts, torch.float64)
    distances = vectors.norm(dim=1)
    values, slopes = _radial(distances, cutoff)
    along = (vectors / distances[:, None])[:, :, None] * slopes[:, None, :]  # [E, 3, K]
    lower = torch.minimum(batch.species[center], batch.species[neighbor])
    upper = torch.maximum(batch.species[center], batch.species[neighbor])
    for s, t in combinations_with_replacement(batch.species.unique().tolist(), 2):
        edges = ((lower == s) & (upper == t)).nonzero()[:, 0]
        # each pair is two edges: half the energy each, and the whole force on its own center
        energies.append(
            torch.zeros(n_frames, N_RADIAL, dtype=torch.float64).index_add(
                0, batch.frame[center[edges]], 0.5 * values[edges]
            )
        )
        forces.append(
            torch.zeros(n_atoms, 3, N_RADIAL, dtype=torch.float64).index_add(0, center[edges], along[edges])
        )

    charges = element @ directions  # [N, n_directions], e
    unit = [_evaluate_long_range(batch, column, long_range) for column in charges.t()]
    for s, t in combinations_with_replacement(range(len(unit)), 2):
        energy, force = unit[s]
        if s != t:  # E_st + E_ts, from (q_s + q_t)^2 - q_s^2 - q_t^2
            both = _evaluate_long_range(batch, charges[:, s] + charges[:, t], long_range)
            energy, force = (b - x - y for b, x, y in zip(both, unit[s], unit[t], strict=True))
        energies.append(energy[:, None])
        forces.append(force[:, :, None])
    return torch.cat(energies, dim=-1), torch.cat(forces, dim=-1)


def _radial(distances: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
    """Values and slopes of the radial functions, [E, K] each."""
    r = distances[None].requires_grad_(True)
    values = radial_basis(r, cutoff, N_RADIAL)[:, 0]  # [K, E]
    slopes = [torch.autograd.grad(value.sum(), r, retain_graph=True)[0][0] for value in values]
    return values.detach().t(), torch.stack(slopes, dim=1)


def _evaluate_long_range(batch: Batch, charges: Tensor, long_range: LongRange) -> tuple[Tensor, Tensor]:
    """Long-range energy [B], eV, and forces [N, 3], eV/angstrom, at fixed charges."""
    positions = batch.positions.detach().requires_grad_(True)
    energy = long_range_energy(positions, charges, batch.cell, batch.periodic, batch.frame, long_range)
    if batch.slab is not None:
        energy = energy + slab_energy(
            positions, charges, batch.cell, batch.slab, batch.frame, long_range.coulomb_constant
        )
    gradient = torch.autograd.grad(energy.sum(), positions, allow_unused=True, materialize_grads=True)[0]
    return energy.detach(), -gradient


def _extract_leading_charges(
    products: Tensor, errors: Tensor, pairs: list[tuple[int, int]], directions: Tensor
) -> Tensor | None:
    """``Q [n_species]`` of the best ``M = Q Q^T``: the leading eigenvector, if its eigenvalue is positive beyond doubt.

    ``products`` and ``errors`` are elements of M in the basis of ``directions [n_species, n_directions]``.
    """
    n_directions = directions.shape[1]
    matrix = torch.zeros(n_directions, n_directions, dtype=torch.float64)
    doubt = torch.zeros_like(matrix)
    for (s, t), product, error in zip(pairs, products, errors, strict=True):
        matrix[s, t] = matrix[t, s] = product
        doubt[s, t] = doubt[t, s] = error
    values, vectors = torch.linalg.eigh(matrix)
    if values[-1] <= SIGNIFICANCE * doubt.norm():
        return None
    charges = directions @ vectors[:, -1] * values[-1].sqrt()
    first = next(charge for charge in charges if charge.abs() > 0.1 * charges.abs().max())
    return charges * first.sign()
