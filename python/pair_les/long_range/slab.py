# SPDX-License-Identifier: MIT
"""Slabs, which repeat along two lattice vectors only: explicit vacuum along the third, and the dipole term.

A slab in vacuum is a periodic cell with empty space, from whose energy the interaction between the images of the slab is
taken off (Yeh & Berkowitz, J. Chem. Phys. 111, 3155, 1999; with net charge Ballenegger, Arnold & Cerda, J. Chem. Phys.
131, 094107, 2009), as by ``boundary p p f`` and ``kspace_modify slab`` in LAMMPS.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

SMALLEST_VACUUM = 30.0
"""angstrom of empty space at least: more than any cutoff, and than the width of charges."""


def cell_with_vacuum(cell: ArrayLike, pbc: ArrayLike, positions: ArrayLike) -> NDArray[np.float64]:
    """Cell [3, 3], angstrom, of a slab: the two periodic vectors, then one along their normal, right-handed.

    The empty space is `SMALLEST_VACUUM`, twice the thickness of the slab (as of ``kspace_modify slab 3.0``), or twice the
    longer lattice vector, whichever is largest: what is left of the images is below ``exp(-4 pi)`` = 3e-6 of the field that
    a corrugation of the slab has on its surface.

    Parameters
    ----------
    cell
        [3, 3], rows are lattice vectors; that of the direction that is not periodic is not used and may be 0.
    pbc
        [3], one False.
    positions
        [n, 3].
    """
    cell = np.asarray(cell, dtype=np.float64)
    free = int(np.flatnonzero(~np.asarray(pbc, dtype=bool))[0])
    first, second = cell[(free + 1) % 3], cell[(free + 2) % 3]
    normal = np.cross(first, second)
    area = np.linalg.norm(normal)
    if not area > 0.0:
        return np.stack([first, second, np.zeros(3)])
    normal /= area
    thickness = float(np.ptp(np.asarray(positions) @ normal))
    longest = max(np.linalg.norm(first), np.linalg.norm(second))
    vacuum = max(SMALLEST_VACUUM, 2.0 * thickness, 2.0 * float(longest))
    return np.stack([first, second, (thickness + vacuum) * normal])


def slab_energy(
    positions: Tensor, charges: Tensor, cell: Tensor, slab: Tensor, batch: Tensor, coulomb_constant: float
) -> Tensor:
    """Energy of each frame, eV, that makes the periodic energy that of a slab in vacuum; 0 for frames that are no slabs.

    ::

        E = 2 pi k_e / V (M^2 - Q sum q z^2 - Q^2 L^2 / 12)       M = sum q z,  Q = sum q

    with z along the third lattice vector, which is normal to the others, L its length and V the volume. It does not depend
    on the origin of z.

    Parameters
    ----------
    positions
        [N, 3], angstrom, not wrapped along the third lattice vector.
    charges
        [N], e, those that interact.
    cell
        [B, 3, 3], from `cell_with_vacuum`.
    slab
        [B] bool.
    batch
        [N] int64, the frame of each atom.
    coulomb_constant
        eV angstrom / e^2.
    """
    # frames that are no slabs may have a cell of zeros, which nothing can be divided by
    cell = torch.where(slab[:, None, None], cell, torch.eye(3, dtype=cell.dtype, device=cell.device))
    length = cell[:, 2].norm(dim=1)
    normal = cell[:, 2] / length[:, None]
    volume = torch.linalg.det(cell).abs()
    z = (positions * normal[batch]).sum(dim=1)

    def total(values: Tensor) -> Tensor:
        return torch.zeros_like(length).index_add(0, batch, values)

    charge, dipole, second = total(charges), total(charges * z), total(charges * z * z)
    bracket = dipole.square() - charge * second - charge.square() * length.square() / 12.0
    return torch.where(slab, 2.0 * math.pi * coulomb_constant / volume * bracket, 0.0)


def slab_matrix(positions: Tensor, cell: Tensor, coulomb_constant: float) -> Tensor:
    """The second derivative of `slab_energy` in the charges, [N, N], eV/e^2.

    ::

        4 pi k_e / V (z_i z_j - (z_i^2 + z_j^2) / 2 - L^2 / 12)

    Parameters
    ----------
    positions
        [N, 3], angstrom, not wrapped along the third lattice vector.
    cell
        [3, 3], from `cell_with_vacuum`.
    coulomb_constant
        eV angstrom / e^2.
    """
    length = cell[2].norm()
    z = positions @ (cell[2] / length)
    squares = 0.5 * (z[:, None].square() + z[None, :].square())
    factor = 4.0 * math.pi * coulomb_constant / torch.linalg.det(cell).abs()
    return factor * (z[:, None] * z[None, :] - squares - length.square() / 12.0)
