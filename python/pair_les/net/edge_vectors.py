# SPDX-License-Identifier: MIT
"""Vectors along edges from positions."""

from __future__ import annotations

import torch
from torch import Tensor


def edge_vectors(positions: Tensor, edge_index: Tensor, shifts: Tensor, dtype: torch.dtype) -> Tensor:
    """``x_j - x_i + shift`` ``[n_edges, 3]``, angstrom, formed in the precision of the positions and rounded to `dtype`.

    Parameters
    ----------
    positions : Tensor
        ``[n_atoms, 3]``, angstrom.
    edge_index : Tensor
        int64 ``[2, n_edges]``: i, j.
    shifts : Tensor
        ``[n_edges, 3]``, angstrom: the lattice vectors between the cells of j and i.
    dtype : torch.dtype
        Of the result.
    """
    center, neighbor = edge_index[0], edge_index[1]
    return (positions.index_select(0, neighbor) - positions.index_select(0, center) + shifts).to(dtype)
