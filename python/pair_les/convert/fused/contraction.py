# SPDX-License-Identifier: MIT
"""Polynomials of the densities of an atom, channel by channel, with coefficients of its species: products of an equivariant network.

With densities ``A[lm, c]`` and terms ``(o, i, j, k)``::

    B[o, c]  =  sum_t C[species, t, c] A[i_t, c] A[j_t, c] A[k_t, c]

where number ``n_lm`` stands for the factor 1. This is the pure-torch twin of ``torch.ops.pair_les.contraction``, which has a first
derivative in the densities.
"""

from __future__ import annotations

import torch
from torch import Tensor


def contraction(
    densities: Tensor, species: Tensor, coefficients: Tensor, terms: Tensor, n_outputs: int
) -> Tensor:
    """The polynomials of the module's docstring.

    Parameters
    ----------
    densities : Tensor
        ``[n_lm, n_atoms, n_channels]``; the operator takes multiples of 16 channels.
    species : Tensor
        int64 ``[n_atoms]``.
    coefficients : Tensor
        ``[n_species, n_terms, n_channels]``.
    terms : Tensor
        int64 ``[n_terms, 4]``: result, and three densities; sorted by the first three numbers.
    n_outputs : int
        Number of results.

    Returns
    -------
    Tensor
        ``[n_outputs, n_atoms, n_channels]``.
    """
    n_atoms, channels = densities.size(1), densities.size(2)
    ones = torch.ones([1, n_atoms, channels], dtype=densities.dtype, device=densities.device)
    factors = torch.cat([densities, ones])
    result = torch.zeros([n_outputs, n_atoms, channels], dtype=densities.dtype, device=densities.device)
    for kind in range(coefficients.size(0)):
        atoms = torch.nonzero(species == kind).flatten()
        if atoms.size(0) > 0:
            of_kind = factors.index_select(1, atoms)
            products = of_kind.index_select(0, terms[:, 1]) * of_kind.index_select(0, terms[:, 2])
            products = products * of_kind.index_select(0, terms[:, 3]) * coefficients[kind].unsqueeze(1)
            sums = torch.zeros_like(of_kind[:1]).expand(n_outputs, -1, -1).index_add(0, terms[:, 0], products)
            result = result.index_add(1, atoms, sums)
    return result
