# SPDX-License-Identifier: MIT
"""The symmetric contraction of MACE as polynomials: one coefficient for each product of densities, instead of one for each path."""

from __future__ import annotations

from itertools import product as tuples
from typing import Any

import torch
from torch import Tensor


def polynomials(contractions: Any, n_densities: int) -> tuple[Tensor, Tensor]:
    """Terms int64 ``[n_terms, 4]`` and coefficients float64 ``[n_elements, n_terms, n_channels]`` for the operator ``contraction``.

    Results are the components of all contractions, one after the other.

    Parameters
    ----------
    contractions
        Of a ``SymmetricContraction``: modules with weights and tensors U for each correlation.
    n_densities
        Number of densities of a channel, which is the number of the factor 1.
    """
    terms: list[tuple[int, ...]] = []
    coefficients: list[Tensor] = []
    first = 0
    for block in contractions:
        found: dict[tuple[int, ...], Tensor] = {}
        n_results = 1
        for order in range(1, int(block.correlation) + 1):
            u = block.U_tensors(order).double()
            n_results = u.size(0) if u.dim() == order + 2 else 1
            u = u.reshape(n_results, *([n_densities] * order), u.size(-1))
            _collect(found, u, _weights(block, order), first, n_densities)
        largest = max((float(value.abs().max()) for value in found.values()), default=0.0)
        for key in found:
            if float(found[key].abs().max()) > 1e-14 * largest:
                terms.append(key)
                coefficients.append(found[key])
        first += n_results
    in_order = sorted(range(len(terms)), key=terms.__getitem__)
    return torch.tensor([terms[k] for k in in_order]), torch.stack([coefficients[k] for k in in_order], 1)


def _weights(block: Any, order: int) -> Tensor:
    """Weights of one correlation, ``[n_elements, n_paths, n_channels]``; the highest has an attribute of its own."""
    highest = int(block.correlation)
    return (block.weights_max if order == highest else block.weights[highest - 1 - order]).detach().double()


def _collect(found: dict[tuple[int, ...], Tensor], u: Tensor, weights: Tensor, first: int, one: int) -> None:
    """Add ``u . weights`` of each set of densities to the coefficient of its term, whatever their order."""
    order = u.dim() - 2
    for result, *densities in tuples(range(u.size(0)), *(range(size) for size in u.shape[1:-1])):
        paths = u[(result, *densities)]
        if not bool(paths.any()):
            continue
        chosen = sorted(densities)
        # a product of two shares its factors with products of three: (i, j, 1); a single density is (1, 1, i)
        chosen = [one, one, *chosen] if order == 1 else [*chosen, one] if order == 2 else chosen
        key = (first + result, *chosen)
        value = torch.einsum("k,zkc->zc", paths, weights)
        found[key] = found[key] + value if key in found else value
