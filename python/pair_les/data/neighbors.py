# SPDX-License-Identifier: MIT
"""Neighbor lists (by vesin) in the convention of the model contract.

Edge (i, j, S) is the vector ``r_ij = x_j - x_i + S @ cell``; every pair appears from both sides, edges are
sorted by center.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from vesin import NeighborList

from ..errors import GeometryError

SMALLEST_VOLUME = 1e-6
"""angstrom^3: a periodic cell below this is taken for one that was never set."""


def neighbor_list(
    positions: ArrayLike, cell: ArrayLike, pbc: bool | Sequence[bool], cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All edges strictly shorter than the cutoff, all images included (cells may be smaller than the cutoff).

    Parameters
    ----------
    positions
        [N, 3], angstrom; atoms may lie outside the cell.
    cell
        [3, 3], rows are lattice vectors, angstrom; ignored along directions that are not periodic.
    pbc
        Periodicity, one flag or three.
    cutoff
        Angstrom, > 0.

    Returns
    -------
    edge_index
        [2, E]; row 0 the center i (ascending), row 1 the neighbor j.
    shifts
        [E, 3], whole lattice vectors S of ``r_ij = x_j - x_i + S @ cell``.

    Raises
    ------
    GeometryError
        If the cutoff is not > 0, a position is not finite, or a periodic cell has no volume.
    """
    positions = np.ascontiguousarray(positions, dtype=np.float64).reshape(-1, 3)
    cell = np.ascontiguousarray(cell, dtype=np.float64)
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), (3,)).copy()
    if not cutoff > 0:
        raise GeometryError(f"cutoff is {cutoff} angstrom: it must be > 0")
    if not np.isfinite(positions).all():
        atom = int(np.argwhere(~np.isfinite(positions))[0, 0])
        raise GeometryError(
            f"position of atom {atom} is {positions[atom].tolist()}: positions must be finite"
        )
    if periodic.all() and not abs(np.linalg.det(cell)) > SMALLEST_VOLUME:
        raise GeometryError(
            f"cell is {cell.tolist()}: a periodic cell must have a volume; set it, or pbc to False"
        )
    if len(positions) == 0:
        return np.zeros((2, 0), dtype=np.int64), np.zeros((0, 3), dtype=np.int64)
    # One thread: data loaders run in several processes already, and the order of the edges is reproducible.
    finder = NeighborList(cutoff=cutoff, full_list=True, sorted=True, n_threads=1)
    center, neighbor, shifts, distances = finder.compute(positions, cell, periodic, quantities="ijSd")
    inside = distances < cutoff
    edge_index = np.stack([center, neighbor]).astype(np.int64)[:, inside]
    return edge_index, shifts.astype(np.int64)[inside]
