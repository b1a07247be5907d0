# SPDX-License-Identifier: MIT
"""Long-range energy of latent charges in torch, batched over frames, periodic and isolated.

Formulas: docs/theory/long_range.md (Cheng 2025; Kim, King, Zhong, Cheng 2024). The k sum (`k_sum`) is converged by default.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from ..model_file.metadata import LongRange
from .k_sum import k_sum
from .split import g_ewald_from_sigma, self_energy_factor

_LARGEST_TAIL = {torch.float64: 1e-14, torch.float32: 1e-8}
"""exp(-sigma^2 k^2 / 2) at the default cutoff: terms beyond are smaller than the rounding of those kept."""

_SERIES_BELOW = 1e-2
"""(r / (sqrt2 sigma))^2 below which erf(x)/x and its derivatives come from the series: smooth at r = 0."""


_TRAINING_TAIL = 1e-5
"""The same for training: leaves out about 1e-5 eV/atom, almost all of it the same at every step."""


def converged_k_cutoff(sigma: float, dtype: torch.dtype = torch.float64) -> float:
    """Largest ``|k|``, 1/angstrom, beyond which the k sum for `sigma` (angstrom) adds nothing in this precision."""
    return math.sqrt(-2.0 * math.log(_LARGEST_TAIL[dtype])) / sigma


def training_k_cutoff(sigma: float, dtype: torch.dtype) -> float:
    """Largest ``|k|``, 1/angstrom, far enough for the noise of training in float32, with half the vectors; float64 is converged."""
    tail = _LARGEST_TAIL[dtype] if dtype == torch.float64 else _TRAINING_TAIL
    return math.sqrt(-2.0 * math.log(tail)) / sigma


def long_range_energy(
    positions: Tensor,
    charges: Tensor,
    cell: Tensor,
    periodic: Tensor,
    batch: Tensor,
    settings: LongRange,
    *,
    k_cutoff: float | None = None,
) -> Tensor:
    """Long-range energy of each frame, twice differentiable in positions, charges and cell.

    ::

        periodic  E = 2 pi k_e / V sum_{k != 0} exp(-sigma^2 k^2 / 2) / k^2 |S(k)|^2   - [no self] E_self
        isolated  E = k_e 1/2 sum_{i != j} q_i q_j erf(r_ij / (sqrt2 sigma)) / r_ij    + [self] E_self
        E_self = k_e sum q^2 / (sigma sqrt(2 pi))

    A charged periodic frame has no k = 0 term and no background energy. With `neutralize` the mean charge of
    each frame is subtracted first. Atoms may lie outside the cell.

    Parameters
    ----------
    positions
        [N, 3], angstrom, float32 or float64.
    charges
        [N], e.
    cell
        [B, 3, 3], rows are lattice vectors, angstrom; ignored (may be 0) for isolated frames.
    periodic
        [B] bool: periodic in all three directions, or isolated.
    batch
        [N] int64, the frame of each atom, ascending.
    settings
        The options of the model.
    k_cutoff
        1/angstrom; the k sum keeps ``|k| <= k_cutoff``. None: `converged_k_cutoff`.

    Returns
    -------
    [B], eV.

    Raises
    ------
    ValueError
        If `batch` is not ascending.
    """
    if bool((batch[1:] < batch[:-1]).any()):
        raise ValueError(
            "batch must be ascending: put the atoms of each frame together, in the order of the frames"
        )
    n_frames = cell.shape[0]
    counts = torch.bincount(batch, minlength=n_frames)
    if settings.neutralize:
        totals = torch.zeros(n_frames, dtype=charges.dtype, device=charges.device).index_add(
            0, batch, charges
        )
        charges = charges - (totals / counts.clamp(min=1))[batch]
    if k_cutoff is None:
        k_cutoff = converged_k_cutoff(settings.sigma, positions.dtype)

    sizes = counts.tolist()
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    is_periodic = periodic.tolist()

    energy = torch.zeros(n_frames, dtype=positions.dtype, device=positions.device)
    for k_range, frames in _frames_by_k_range(cell, is_periodic, sizes, k_cutoff).items():
        atoms, mask = _padded(frames, starts, sizes, positions.device)
        k_sums = k_sum(positions[atoms], charges[atoms] * mask, cell[frames], k_range, k_cutoff, settings)
        energy = energy.index_add(0, torch.tensor(frames, device=energy.device), k_sums)
    isolated = [frame for frame in range(n_frames) if not is_periodic[frame] and sizes[frame] > 1]
    if isolated:
        first, second = _pairs(isolated, starts, sizes, positions.device)
        pair_energies = _pair_energy(positions, charges, first, second, settings)
        energy = energy.index_add(0, batch[first], pair_energies)

    # The k sum contains the self term, the pair sum does not: correct the one that the model disagrees with.
    kept = float(settings.self_interaction)
    sign = torch.where(periodic, kept - 1.0, kept)
    squares = torch.zeros_like(energy).index_add(0, batch, charges * charges)
    return energy + sign.to(energy) * self_energy_factor(settings) * squares


# ------------------------------------------------------------------------------------------------- periodic


def _frames_by_k_range(
    cell: Tensor, is_periodic: list[bool], sizes: list[int], k_cutoff: float
) -> dict[tuple[int, int, int], list[int]]:
    """Frames of equal k range, which share one batched matrix product; frames without atoms are left out."""
    # |n_d| <= k_cutoff |a_d| / (2 pi), because 2 pi n_d = k . a_d
    ranges = (k_cutoff / (2.0 * math.pi) * cell.detach().double().norm(dim=2)).floor().long().tolist()
    groups: dict[tuple[int, int, int], list[int]] = {}
    for frame, (n_x, n_y, n_z) in enumerate(ranges):
        if is_periodic[frame] and sizes[frame] > 0:
            groups.setdefault((n_x, n_y, n_z), []).append(frame)
    return groups


def _padded(
    frames: list[int], starts: list[int], sizes: list[int], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Atom indices [F, n_max] of the frames and a mask of the real ones; padding repeats an atom."""
    start = torch.tensor([starts[frame] for frame in frames], device=device)[:, None]
    size = torch.tensor([sizes[frame] for frame in frames], device=device)[:, None]
    column = torch.arange(max(sizes[frame] for frame in frames), device=device)[None, :]
    mask = column < size
    return start + torch.where(mask, column, 0), mask


# ------------------------------------------------------------------------------------------------- isolated


@lru_cache(maxsize=256)
def _pair_table(size: int) -> Tensor:
    """All pairs i < j of `size` atoms, [2, P] (frames of one size come back every epoch)."""
    return torch.triu_indices(size, size, 1)


def _pairs(
    frames: list[int], starts: list[int], sizes: list[int], device: torch.device
) -> tuple[Tensor, Tensor]:
    """All pairs i < j within each frame, as two lists of atom indices [P]."""
    pairs = torch.cat([_pair_table(sizes[frame]) + starts[frame] for frame in frames], dim=1).to(device)
    return pairs[0], pairs[1]


def _pair_energy(
    positions: Tensor, charges: Tensor, first: Tensor, second: Tensor, settings: LongRange
) -> Tensor:
    """``k_e q_i q_j erf(r / (sqrt2 sigma)) / r`` of each pair, [P]."""
    a = g_ewald_from_sigma(settings.sigma)
    r_squared = (positions[second] - positions[first]).square().sum(-1)
    factor = settings.coulomb_constant * a * charges[first] * charges[second]
    return factor * erf_over_x(a * a * r_squared)


def erf_over_x(x_squared: Tensor) -> Tensor:
    """``erf(x) / x`` of x^2, smooth at 0 where sqrt is not: each branch sees only what it is regular for."""
    near = x_squared < _SERIES_BELOW
    x = torch.where(near, 1.0, x_squared).sqrt()
    small = torch.where(near, x_squared, 0.0)
    series = torch.zeros_like(small)
    for n in range(7, -1, -1):  # 2/sqrt(pi) sum_n (-1)^n x^(2n) / (n! (2n+1))
        series = series * small + 2.0 / math.sqrt(math.pi) * (-1.0) ** n / (math.factorial(n) * (2 * n + 1))
    return torch.where(near, series, torch.erf(x) / x)
