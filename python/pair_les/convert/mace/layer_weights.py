# SPDX-License-Identifier: MIT
"""One layer of MACE as arrays for the operators `convolution` and `contraction`, or the reason why it is none of these.

Linear maps that follow each other are one matrix, with the average number of neighbors and the weights of the elements in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..fused.convolution import monomials
from ..fused.radial_table import tabulate
from .polynomials import polynomials
from .probing import couplings, harmonics_of_monomials, linear_maps, stacked_maps

CHANNEL_STEP = 16
"""The operators take multiples of this number of channels."""

MOST_BYTES = 256 * 2**20
"""Of the tables of one layer."""

RESIDUAL = ("RealAgnosticResidualInteractionBlock", "RealAgnosticDensityResidualInteractionBlock")
AGNOSTIC = ("RealAgnosticInteractionBlock", "RealAgnosticDensityInteractionBlock")


class NotFused(Exception):
    """Why a model has no form in fused operators, a clause."""


@dataclass(frozen=True)
class LayerWeights:
    """Arrays of one layer, float64. Channels are padded to multiples of `CHANNEL_STEP`, features are not.

    Attributes
    ----------
    n_channels
        Channels of the messages before padding.
    up
        ``[n_sent, F, C]``: features to messages.
    table, couplings, degrees
        Of the operator `convolution`.
    table_of_pair
        int64 ``[S, S]``: table of a center and its neighbor.
    density_table, density_alpha, density_beta
        Table of the neighbors' part of the normalization, `table` of one path; None: constant, part of `mix`.
    row_of_sum
        int64 ``[n_rows]``: density that a row of the sums is added to.
    mix
        ``[S or 1, n_rows, C, C']``: sums to densities; by species where the element acts after the convolution.
    terms, coefficients
        Of the operator `contraction`, coefficients by species.
    out
        ``[n_outputs, C', F']``: products to features.
    skip
        ``[S, n_outputs, F, F']``: features before to features after; None: no skip connection.
    """

    n_channels: int
    up: Tensor
    table: Tensor
    couplings: Tensor
    degrees: Tensor
    table_of_pair: Tensor
    density_table: Tensor | None
    density_alpha: float
    density_beta: float
    row_of_sum: Tensor
    mix: Tensor
    terms: Tensor
    coefficients: Tensor
    out: Tensor
    skip: Tensor | None


@dataclass(frozen=True)
class Path:
    """One path of a convolution: degrees, position of its weights, block of the sums, and K of `convolution`."""

    sent: int
    received: int
    weight: int
    block: int
    couplings: Tensor


def layer_weights(model: Any, number: int, species: list[int], dtype: torch.dtype) -> LayerWeights:
    """Arrays of layer `number` of a MACE model in float64, for the elements at the positions `species`.

    Raises
    ------
    NotFused
        If its blocks, or their sizes, are not those of the operators.
    """
    block, product = model.interactions[number], model.products[number]
    name = type(block).__name__
    if name not in (*RESIDUAL, *AGNOSTIC):
        raise NotFused(f"{name} has no fused form")
    tensor_product = block.conv_tp
    channels = _channels(tensor_product.irreps_in1, "messages")
    width = _padded(channels)
    paths = _paths(tensor_product, model.spherical_harmonics, channels)
    target = block.linear.irreps_out
    if target.lmax > 3:
        raise NotFused(f"degree {target.lmax} of the densities is above 3")
    n_densities = (target.lmax + 1) ** 2
    if target.dim != _channels(target, "densities") * n_densities:
        raise NotFused("densities do not have all degrees")
    contractions = product.symmetric_contractions.contractions
    if max(int(part.correlation) for part in contractions) > 3:
        raise NotFused("the correlation is above 3")

    maps = linear_maps(block.linear, tensor_product.irreps_out, target)
    elements = torch.eye(len(model.atomic_numbers), dtype=torch.float64)[species]
    into_densities = stacked_maps(
        maps, tensor_product.irreps_out, target, width, _padded(_channels(target, "densities"))
    )
    starts = _starts(tensor_product.irreps_out)
    rows = [starts[path.block] + m for path in paths for m in range(2 * path.received + 1)]
    row_of_sum = [path.received**2 + m for path in paths for m in range(2 * path.received + 1)]
    mix = into_densities[rows].unsqueeze(0)
    with_density = hasattr(block, "density_fn")
    if not with_density:
        mix = mix / float(block.avg_num_neighbors)
    if name in AGNOSTIC:
        turned = [
            stacked_maps(
                linear_maps(_of_element(block.skip_tp, element), target, target),
                target, target, mix.size(3), mix.size(3),
            )[row_of_sum]
            for element in elements
        ]  # fmt: skip
        mix = torch.stack([torch.bmm(mix[0], matrices) for matrices in turned])
    terms, coefficients = polynomials(contractions, n_densities)
    coefficients = torch.nn.functional.pad(coefficients, [0, mix.size(3) - coefficients.size(2)])
    coefficients = (
        coefficients[species] if len(coefficients) > 1 else coefficients.expand(len(species), -1, -1)
    )
    hidden = product.linear.irreps_out
    features = _channels(hidden, "features")
    skip = None
    if name in RESIDUAL and product.use_sc:
        before = block.skip_tp.irreps_in1
        skip = torch.stack(
            [
                stacked_maps(
                    linear_maps(_of_element(block.skip_tp, element), before, hidden),
                    before, hidden, _channels(before, "features"), features,
                )[: (hidden.lmax + 1) ** 2]
                for element in elements
            ]
        )  # fmt: skip
    table, table_of_pair = _tables(model, elements, _radial(block, paths, channels, width), dtype)
    density_table, alpha, beta = None, 0.0, 1.0
    if with_density:
        density_table, of_pair = _tables(model, elements, _density(block), dtype)
        if not torch.equal(of_pair, table_of_pair):
            raise NotFused("densities and radial functions depend on different pairs of elements")
        alpha, beta = float(getattr(block, "alpha", 1.0)), float(getattr(block, "beta", 1.0))
    up_in, up_out = block.linear_up.irreps_in, block.linear_up.irreps_out
    return LayerWeights(
        n_channels=channels,
        up=stacked_maps(
            linear_maps(block.linear_up, up_in, up_out), up_in, up_out, _channels(up_in, "features"), width
        ),
        table=table,
        couplings=torch.cat([path.couplings for path in paths]),
        degrees=torch.tensor([[path.sent, path.received] for path in paths]),
        table_of_pair=table_of_pair,
        density_table=density_table,
        density_alpha=alpha,
        density_beta=beta,
        row_of_sum=torch.tensor(row_of_sum),
        mix=mix,
        terms=terms,
        coefficients=coefficients,
        out=stacked_maps(
            linear_maps(product.linear, product.linear.irreps_in, hidden),
            product.linear.irreps_in, hidden, mix.size(3), features,
        ),
        skip=skip,
    )  # fmt: skip


def _padded(channels: int) -> int:
    return (channels + CHANNEL_STEP - 1) // CHANNEL_STEP * CHANNEL_STEP


def _starts(irreps: Any) -> list[int]:
    """First row of each block where a block of degree l has 2 l + 1 rows."""
    starts, next_row = [], 0
    for _, irrep in irreps:
        starts.append(next_row)
        next_row += irrep.dim
    return starts


def _channels(irreps: Any, what: str) -> int:
    """The common number of channels of the degrees 0, 1, 2, ...

    Raises
    ------
    NotFused
        If blocks differ in it, a degree occurs twice or not, or parity is not that of harmonics.
    """
    channels = {int(n) for n, _ in irreps}
    if len(channels) != 1 or [(irrep.l, irrep.p) for _, irrep in irreps] != [
        (degree, (-1) ** degree) for degree in range(len(irreps))
    ]:
        raise NotFused(f"{what} {irreps} do not have each degree with the same number of channels")
    return channels.pop()


def _paths(tensor_product: Any, spherical_harmonics: torch.nn.Module, channels: int) -> list[Path]:
    """The paths of a convolution, by degree received."""
    l_max = max(1, tensor_product.irreps_in2.lmax)
    if l_max > 3:
        raise NotFused(f"degree {l_max} of the harmonics is above 3")
    harmonics = harmonics_of_monomials(spherical_harmonics, lambda unit: monomials(unit, l_max))
    found = []
    for number, path in enumerate(tensor_product.instructions):
        if path.connection_mode != "uvu" or not path.has_weight:
            raise NotFused(f"the convolution has a path of kind {path.connection_mode}")
        received = tensor_product.irreps_out[path.i_out].ir
        if received.p != (-1) ** received.l:
            raise NotFused(f"the convolution has {received}")
        coefficients = couplings(tensor_product, number, number * channels)
        found.append(
            Path(
                tensor_product.irreps_in1[path.i_in1].ir.l,
                received.l,
                number,
                path.i_out,
                torch.einsum("rsh,hm->rsm", coefficients, harmonics).flatten(0, 1),
            )
        )
    return sorted(found, key=lambda path: (path.received, path.sent))


def _of_element(tensor_product: Any, element: Tensor) -> Callable[[Tensor], Tensor]:
    """A tensor product with one-hot vectors as a map of its first argument."""
    return lambda features: tensor_product(features, element.expand(len(features), -1))


def _radial(
    block: Any, paths: list[Path], channels: int, width: int
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Convolution weights of edge features, and how the table of [.., functions] becomes [.., paths, padded channels]."""
    order = [path.weight for path in paths]

    def arrange(table: Tensor) -> Tensor:
        by_path = table.reshape(*table.shape[:-1], len(paths), channels)[..., order, :]
        return torch.nn.functional.pad(by_path, [0, width - channels])

    return block.conv_tp_weights, arrange


def _density(block: Any) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """The same for the part of a neighbor in a learned density."""

    def arrange(table: Tensor) -> Tensor:
        return torch.nn.functional.pad(table.unsqueeze(-1), [0, CHANNEL_STEP - 1])

    return lambda features: torch.tanh(block.density_fn(features) ** 2), arrange


def _tables(
    model: Any,
    elements: Tensor,
    functions: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]],
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Different tables ``[n_tables, n_knots, 4, paths, channels]``, and the table of each center and neighbor ``[S, S]``.

    Raises
    ------
    NotFused
        If the functions need too many knots, or the tables too much memory.
    """
    weights, arrange = functions
    n, cutoff = len(elements), float(model.r_max)
    probe = torch.linspace(0.2, 0.97, 50, dtype=torch.float64) * cutoff
    functions_of_pairs: list[Callable[[Tensor], Tensor]] = []
    seen: list[Tensor] = []
    of_pair = torch.zeros(n, n, dtype=torch.int64)
    for center in range(n):
        for neighbor in range(n):
            function = _of_pair(model, weights, elements[[neighbor, center]])
            values = function(probe)
            same = [number for number, other in enumerate(seen) if torch.equal(values, other)]
            of_pair[center, neighbor] = same[0] if same else len(seen)
            if not same:
                seen.append(values)
                functions_of_pairs.append(function)
    tables = []
    for function in functions_of_pairs:
        table = tabulate(function, cutoff, dtype)
        if table is None:
            raise NotFused("its radial functions need too many knots")
        tables.append(arrange(table))
        if sum(part.numel() for part in tables) * dtype.itemsize > MOST_BYTES:
            raise NotFused(
                f"tables of its radial functions for {n} elements need too much memory: choose fewer with --elements"
            )
    most = max(len(table) for table in tables)
    for number, table in enumerate(tables):
        if len(table) < most:
            finer = tabulate(functions_of_pairs[number], cutoff, dtype, least=most)
            assert finer is not None  # more knots are more accurate
            tables[number] = arrange(finer)
    return torch.stack(tables), of_pair


def _of_pair(model: Any, weights: Callable[[Tensor], Tensor], one_hot: Tensor) -> Callable[[Tensor], Tensor]:
    """Function of the distance for the one-hot vectors of a neighbor and a center, [2, n_elements]."""

    def function(distances: Tensor) -> Tensor:
        edges = torch.tensor([[0], [1]]).expand(-1, len(distances))
        features, envelope = model.radial_embedding(
            distances.unsqueeze(1), one_hot, edges, model.atomic_numbers
        )
        values = weights(features)
        return values if envelope is None else values * envelope

    return function
