# SPDX-License-Identifier: MIT
"""A model file cut at its layers, written with plain torch: any number of message-passing layers, a formula each.

With ``f(r) = (1 - (r/c)^2)^3`` inside c, two numbers per atom and layer, and ``s_i`` the species index::

    h0_i = sum_j f(r_ij) (1 + s_j, r_ij^2 / c^2)                             (layer 0)
    h(l)_i = tanh(h(l-1)_i) / 2 + (1 + s_i / 4) sum_j f(r_ij) tanh(h(l-1)_j)     (layers before the last)
    e_i, q_i = the two numbers of the last layer, times 0.3 and 0.1, q_i with (-1)^s_i added

The term of the atom itself is what it keeps; neighbors see tanh(h).
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Layers(torch.nn.Module):
    """The formulas of this module's docstring, at once (`forward`) or layer by layer (`send`, `finish`)."""

    def __init__(
        self,
        cutoff: float,
        n_layers: int,
        charged: bool,
        equilibration: bool,
        failing: str,
        narrow: bool,
        most_edges: int,
    ) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.n_layers = n_layers
        self.charged = charged
        self.equilibration = equilibration
        self.failing = failing
        self.narrow = narrow
        self.most_edges = most_edges

    def first(self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n: int) -> Tensor:
        f, center = self.smooth(edge_vectors), edge_index[0]
        one = f * (1.0 + species.index_select(0, edge_index[1]).to(f.dtype))
        two = f * edge_vectors.square().sum(1) / self.cutoff**2
        return f.new_zeros([n, 2]).index_add(0, center, torch.stack([one, two], 1))

    def next(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, sent: Tensor, own: Tensor, n: int
    ) -> Tensor:
        f = self.smooth(edge_vectors).unsqueeze(1)
        sums = f.new_zeros([n, 2]).index_add(0, edge_index[0], f * sent.index_select(0, edge_index[1]))
        return 0.5 * own + (1.0 + 0.25 * species[:n].to(f.dtype)).unsqueeze(1) * sums

    def smooth(self, edge_vectors: Tensor) -> Tensor:
        if 0 <= self.most_edges < edge_vectors.size(0):
            raise RuntimeError("more edges than most_edges")
        return (1.0 - edge_vectors.square().sum(1) / self.cutoff**2).clamp(min=0.0) ** 3

    def outputs(self, h: Tensor, species: Tensor, n_local: int) -> dict[str, Tensor]:
        sign = 1.0 - 2.0 * (species[:n_local] % 2).to(h.dtype)
        result = {"energy": 0.3 * h[:n_local, 0]}
        if self.equilibration:
            result["electronegativity"] = h[:n_local, 1] - 4.0 * sign
            result["hardness"] = 14.0 + 0.1 * h[:n_local, 0]
        elif self.charged:
            result["charge"] = sign + 0.1 * h[:n_local, 1]
        return result

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        n = species.size(0)
        h = self.first(species, edge_index, edge_vectors, n)
        for _ in range(self.n_layers):
            h = self.next(species, edge_index, edge_vectors, torch.tanh(h), torch.tanh(h), n)
        return self.outputs(h, species, n_local)

    @torch.jit.export
    def send(
        self,
        layer: int,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> tuple[Tensor, list[Tensor]]:
        if self.failing == "send" and n_local > 0:
            raise RuntimeError("this layer cannot send")
        if layer == 0:
            h = self.first(species, edge_index, edge_vectors, n_local)
        else:
            h = self.next(species, edge_index, edge_vectors, received, kept[0], n_local)
        sent = torch.tanh(h)
        if self.failing == "send backward":
            sent = sent + torch.exp(h).zero_().sum()  # spoils what its backward pass needs
        return sent[:, :1] if self.narrow else sent, [sent, species[:n_local]]

    @torch.jit.export
    def finish(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> dict[str, Tensor]:
        if self.failing == "finish" and n_local > 0:
            raise RuntimeError("this layer cannot finish")
        assert bool((kept[1] == species[:n_local]).all()), "what an atom keeps comes back to it"
        h = self.next(species, edge_index, edge_vectors, received, kept[0], n_local)
        return self.outputs(h, species, n_local)


class Uncut(torch.nn.Module):
    """A module without `send` and `finish`."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.layers = layers

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        return self.layers(species, edge_index, edge_vectors, n_local)


def write_layers(
    path: str | os.PathLike[str],
    n_layers: int = 1,
    *,
    cutoff: float = 3.5,
    dtype: str = "float64",
    charged: bool = True,
    equilibration: bool = False,
    cut: bool = True,
    failing: str = "",
    narrow: bool = False,
    most_edges: int = -1,
    edit_metadata: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Write a model file with `n_layers` message-passing layers and return its metadata.

    `cut`: whether it has the methods and the key of a network that is cut at its layers; `failing`: the method that raises;
    `narrow`: messages of another width than announced; `most_edges`: more edges at once raise, negative: never.
    """
    long_range = {
        "sigma": 1.0,
        "coulomb_constant": 14.3996454784,
        "self_interaction": False,
        "neutralize": equilibration,
    }
    if equilibration:
        long_range["charge_model"] = "equilibration"
    metadata: dict[str, Any] = {
        "format": "pair_les",
        "format_version": 2 if equilibration else 1,
        "species": ["Na", "Cl"],
        "cutoff": cutoff,
        "message_passing_layers": n_layers,
        "dtype": dtype,
        "units": {"length": "angstrom", "energy": "eV", "charge": "e"},
        "long_range": long_range if charged else None,
        "created_with": {"by": "tests/message_models.py"},
    }
    if cut:
        metadata["message_features"] = [2] * n_layers
    if edit_metadata is not None:
        edit_metadata(metadata)
    layers = Layers(cutoff, n_layers, charged, equilibration, failing, narrow, most_edges)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script((layers if cut else Uncut(layers)).eval())
        torch.jit.save(scripted, os.fspath(path), _extra_files={"metadata.json": json.dumps(metadata)})
    return metadata
