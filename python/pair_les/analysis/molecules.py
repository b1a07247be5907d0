# SPDX-License-Identifier: MIT
"""Assignment of atoms to molecules, and molecules made whole across periodic boundaries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .trajectory import Snapshot


def find_molecules(snapshot: Snapshot, bond_length: float | None) -> NDArray[np.int64] | None:
    """Number of the molecule of each atom, [n] from 0; None if nothing says so.

    Parameters
    ----------
    snapshot
        The first frame.
    bond_length
        Atoms closer than this (angstrom) belong together; None: the column ``mol`` of the dump.
    """
    if bond_length is None:
        if snapshot.molecules is None:
            return None
        return np.unique(snapshot.molecules, return_inverse=True)[1]
    from MDAnalysis.lib.distances import self_capped_distance

    pairs = self_capped_distance(
        snapshot.positions, bond_length, box=snapshot.dimensions, return_distances=False
    )
    n = len(snapshot.positions)
    bonds = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return connected_components(bonds, directed=False)[1].astype(np.int64)


class Molecules:
    """Dipoles and centers of molecules that are smaller than half the cell.

    Parameters
    ----------
    number
        [n], the molecule of each atom, from 0.
    """

    def __init__(self, number: NDArray[np.int64]) -> None:
        self.number = number
        self.sizes = np.bincount(number)
        # the first atom of each molecule is what the others are put next to
        self.first = np.unique(number, return_index=True)[1]

    def __len__(self) -> int:
        return len(self.sizes)

    def dipoles(self, snapshot: Snapshot) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Dipole moments relative to the center [M, 3], e angstrom, and centers (of geometry) [M, 3], angstrom."""
        from MDAnalysis.lib.distances import minimize_vectors

        assert snapshot.charges is not None  # the caller refuses dumps without
        anchor = snapshot.positions[self.first[self.number]]
        arms = minimize_vectors(snapshot.positions - anchor, snapshot.dimensions).astype(np.float64)
        center = self._sum(arms) / self.sizes[:, None]
        charge = np.bincount(self.number, snapshot.charges, minlength=len(self))
        moment = self._sum(snapshot.charges[:, None] * arms) - charge[:, None] * center
        return moment, center + snapshot.positions[self.first]

    def _sum(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = [np.bincount(self.number, column, minlength=len(self)) for column in vectors.T]
        return np.stack(columns, axis=-1)
