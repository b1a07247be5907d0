# SPDX-License-Identifier: MIT
"""Weights of a trained network for another list of species: some left out, some added, in any order.

A new species starts as a copy of a known one, as a center and as a neighbor, so that a frame in which the one replaces the other has
the same energies. Normalization is taken over with the weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pair_les.net.base import ContractNet
from pair_les.net.message_passing import MessagePassingNet
from pair_les.net.model import LESNet
from pair_les.net.readout import Readout

_CENTER_AXES = {
    "LESNet": dict.fromkeys(("density_mean", "whitening", "feature_mean", "feature_spread", "mixing"), 0),
    "BackboneNet": {"feature_mean": 0, "backbone_species": 0},
    "CutBackboneNet": {"feature_mean": 0, "backbone_species": 0},
    "MessagePassingNet": {"feature_mean": 1, "emphasis": 1, "gate_in.bias": 0, "gate_out.bias": 0},
}
"""By class, tensors outside the readout that have an axis of the species of the center."""

SMALLEST_SINGULAR_VALUE = 1e-3
"""Relative; means are in float32, and smaller singular values would ask for large ones that cancel."""


@torch.no_grad()
def transfer_weights(source: ContractNet, target: ContractNet, origins: Mapping[str, str]) -> None:
    """Give `target` the weights and the normalization of `source`, a network of the same class and sizes.

    Outputs for charges that `source` does not have keep their initial weights.

    Parameters
    ----------
    source, target
        Networks of this package.
    origins
        For each species of `target` the species of `source` that it starts from: itself, unless it is new.
    """
    rows = torch.tensor([source.species.index(origins[symbol]) for symbol in target.species])
    is_new = torch.tensor([symbol not in source.species for symbol in target.species])
    found = {name: value.clone() for name, value in source.state_dict().items()}
    same = rows.tolist() == list(range(source.n_species))
    if not same:
        for name, value in found.items():
            axis = _species_axis(source, name)
            if axis is not None:
                found[name] = value.index_select(axis, rows)
        if isinstance(source, LESNet):
            _select_whitened_neighbors(found, rows, is_new, source.n_radial)
        elif isinstance(source, MessagePassingNet):
            columns = density_columns(rows, source.n_radial)
            found["density_mean"] = _neighbor_means(
                found["density_mean"], found["mixing"][0], columns, is_new
            )
            found["mixing"] = found["mixing"].index_select(1, columns)
    state = target.state_dict()
    for name, value in found.items():
        kept = state[name].clone()
        if value.dim() > 0 and value.shape[-1] < kept.shape[-1]:  # without the outputs for charges
            kept[..., : value.shape[-1]] = value
        else:
            kept.copy_(value)
        state[name] = kept
    target.load_state_dict(state)


def density_columns(rows: Tensor, n_radial: int) -> Tensor:
    """Columns of the density of neighbors of the species ``rows [S]``: ``[S n_radial]``."""
    return (rows.unsqueeze(1) * n_radial + torch.arange(n_radial)).flatten()


def _species_axis(network: ContractNet, name: str) -> int | None:
    """Axis of a tensor of the state that belongs to the species of the center; None where there is none."""
    if name == "reference_energies":
        return 0
    if name.startswith("readout."):
        of_species = isinstance(network.readout, Readout) or name.endswith("bias") or ".state." in name
        return 0 if of_species else None
    return _CENTER_AXES[type(network).__name__].get(name)


def _neighbor_means(means: Tensor, mixing: Tensor, columns: Tensor, is_new: Tensor) -> Tensor:
    """Mean densities ``[n_density']`` of the columns, from ``means [n_density]``.

    New species, which no frame had, have 0. Densities are mixed to ``(a - mean) mixing``, ``mixing [n_density, n_channels]``: what
    the means of left out species subtract there is added to the others', as far as these can (exactly where there are no more
    channels than columns).
    """
    n_radial = len(columns) // len(is_new)
    kept = means.index_select(0, columns) * ~is_new.repeat_interleave(n_radial)
    weights = mixing.double().index_select(0, columns)
    missing = means.double() @ mixing.double() - kept.double() @ weights
    if len(set(columns.tolist())) == len(means):
        return kept
    return kept + (missing @ torch.linalg.pinv(weights, rtol=SMALLEST_SINGULAR_VALUE)).to(kept)


def _select_whitened_neighbors(found: dict[str, Tensor], rows: Tensor, is_new: Tensor, n_radial: int) -> None:
    """Neighbors of a `LESNet`, in place: the product of whitening and mixing has the rows of the species that they start from.

    A new species is whitened by itself: it does not occur together with its origin in any frame of the source.
    """
    columns = density_columns(rows, n_radial)
    whitening, mixing = found["whitening"].double(), found["mixing"].double()
    product = whitening @ mixing
    species = torch.arange(len(rows)).repeat_interleave(n_radial)
    known = ~is_new[species]
    together = (species.unsqueeze(1) == species) | (known.unsqueeze(1) & known)
    selected = whitening.index_select(2, columns).index_select(3, columns) * together
    found["density_mean"] = torch.stack(
        [
            _neighbor_means(mean, weights[0], columns, is_new)
            for mean, weights in zip(found["density_mean"], product, strict=True)
        ]
    )
    found["mixing"] = torch.linalg.solve(selected, product.index_select(2, columns)).to(found["mixing"])
    found["whitening"] = selected.to(found["whitening"])
