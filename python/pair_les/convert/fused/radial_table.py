# SPDX-License-Identifier: MIT
"""Tables of radial functions: values and derivatives at equidistant knots, exact to rounding between them.

Between two knots a polynomial of degree seven agrees with value and three derivatives at both
(:func:`pair_les.convert.fused.convolution.table_weights`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .convolution import table_weights

RELATIVE_ERROR = {torch.float64: 1e-9, torch.float32: 5e-7}
"""Largest error of the first derivative, of its largest value."""

SHORTEST = 0.4
"""Angstrom; below it the error may be larger: no two nuclei are as close."""

MOST_KNOTS = 4096


def tabulate(
    function: Callable[[Tensor], Tensor], cutoff: float, dtype: torch.dtype, least: int = 64
) -> Tensor | None:
    """Table of a function with as few knots as its accuracy needs.

    Parameters
    ----------
    function
        From distances float64 [n] in angstrom to values float64 [n, n_functions]; smooth below `cutoff`, differentiable by autograd.
    cutoff
        Angstrom; beyond it the function is not used.
    dtype
        Decides what error is allowed.
    least
        Number of knots to begin with.

    Returns
    -------
    Tensor or None
        float64 [n_knots, 4, n_functions]: value and three derivatives, in units of the spacing of knots, at
        ``(k + 1) cutoff / n_knots``. None where `MOST_KNOTS` do not suffice.
    """
    n_knots = least
    while n_knots <= MOST_KNOTS:
        table = _with_knots(function, cutoff, n_knots)
        if _relative_error(function, cutoff, table) <= RELATIVE_ERROR[dtype]:
            return table
        n_knots *= 2
    return None


def _with_knots(function: Callable[[Tensor], Tensor], cutoff: float, n_knots: int) -> Tensor:
    spacing = cutoff / n_knots
    distances = torch.arange(1, n_knots + 1, dtype=torch.float64) * spacing
    distances[-1] = cutoff * (1.0 - 1e-14)  # the limit from below: what is beyond the cutoff is cut off
    derivatives = _derivatives(function, distances, 3)
    return torch.stack([values * spacing**order for order, values in enumerate(derivatives)], 1)


def _derivatives(function: Callable[[Tensor], Tensor], distances: Tensor, highest: int) -> list[Tensor]:
    """Value and derivatives of a function of one number with many results, each [n, n_functions].

    Reverse mode gives the product of a row vector with the derivative; it is linear in the vector, and its own derivative in the vector
    is the derivative of the function.
    """
    distances = distances.clone().requires_grad_()
    found = [function(distances)]
    for _ in range(highest):
        weight = torch.ones_like(found[-1], requires_grad=True)
        (weighted,) = torch.autograd.grad(found[-1], distances, weight, create_graph=True)
        found.append(torch.autograd.grad(weighted.sum(), weight, create_graph=True)[0])
    return [values.detach() for values in found]


def _relative_error(function: Callable[[Tensor], Tensor], cutoff: float, table: Tensor) -> float:
    """Largest error of the first derivative at one distance between each two knots, of its largest value."""
    n_knots = len(table)
    within = torch.tensor([0.21, 0.5, 0.79], dtype=torch.float64)  # near the extrema of the error
    places = torch.arange(n_knots, dtype=torch.float64)
    places = (places + within[torch.arange(n_knots) % 3]) / n_knots
    distances = cutoff * places[places * cutoff > SHORTEST]
    exact = _derivatives(function, distances, 1)[1]
    variable = distances.clone().requires_grad_()
    knot, weights = table_weights(variable, n_knots, cutoff)
    rows = torch.cat([table[knot], table[knot + 1]], 1)  # [n, 8, n_functions]
    slopes = torch.stack(
        [
            torch.autograd.grad(weights[:, row].sum(), variable, retain_graph=True)[0]
            for row in range(weights.size(1))
        ],
        1,
    )
    found = torch.einsum("nr,nrf->nf", slopes, rows)
    largest = exact.abs().max()
    return float((found - exact).abs().max() / largest) if largest > 0 else 0.0
