# SPDX-License-Identifier: MIT
"""The traced passes against the network that was traced, for graphs of other sizes, before anything is compiled.

Tracing follows the branches that the example takes. A network whose branches depend on sizes ends here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pair_les.errors import RunError
from pair_les.model_file.aot.packaged_network import PackagedNetwork
from pair_les.model_file.aot.parts import output_names
from pair_les.model_file.aot.tracing import example_graph
from pair_les.model_file.metadata import ContractError, Metadata
from pair_les.model_file.outputs import require_outputs

Call = Callable[[Tensor, Tensor, Tensor, int], dict[str, Tensor]]

SIZES = ((1, 0, 0), (3, 4, 2), (60, 30, 15))
"""Local atoms, ghosts, edges of each center."""

RELATIVE = {"float32": 1e-4, "float64": 1e-10}
"""Of the largest value: one code run twice, with other atoms beside, whose sums may be grouped differently."""


def require_contract(network: torch.nn.Module, metadata: Metadata) -> None:
    """Raise `ContractError` where the outputs of the network are not those of the contract, before any work."""
    n_local, n_ghost, n_edges = SIZES[-1]
    graph = example_graph(metadata, n_local, n_ghost, n_edges, seed=1)
    output = network(*graph, n_local)
    require_outputs(output, output_names(metadata), metadata, n_local, "the network")


def require_same(network: torch.nn.Module, packaged: PackagedNetwork, metadata: Metadata) -> None:
    """Raise `RunError` where the traced passes do not give the outputs and gradients of the network."""
    calls: list[tuple[Call, Call, bool]] = [(network, packaged, True)]
    if metadata.message_features:
        calls.append((_layer_by_layer(network, metadata), _layer_by_layer(packaged, metadata), False))
    names = output_names(metadata)
    for theirs, ours, ghost_centers in calls:
        for n_local, n_ghost, n_edges in SIZES:
            graph = example_graph(metadata, n_local, n_ghost, n_edges, 1, ghost_centers)
            expected = _evaluate(theirs, names, graph, n_local)
            found = _evaluate(ours, names, graph, n_local)
            for name, mine, reference in zip([*names, "gradient"], found, expected, strict=True):
                scale = max(1.0, float(reference.abs().max())) if reference.numel() > 0 else 1.0
                difference = float((mine - reference).abs().max()) if reference.numel() > 0 else 0.0
                if not difference <= RELATIVE[metadata.dtype] * scale:
                    raise RunError(
                        f"--format pt2: the traced network differs by {difference:.1e} in '{name}' for {n_local} atoms "
                        f"with {n_edges} edges each: its code must not branch on numbers of atoms or edges; "
                        "use --format torchscript"
                    )


def _layer_by_layer(network: torch.nn.Module, metadata: Metadata) -> Call:
    """A network by its `send` and `finish`, for local atoms only; ghosts send zeros."""
    net: Any = network

    def call(species: Tensor, edge_index: Tensor, vectors: Tensor, n_local: int) -> dict[str, Tensor]:
        received = vectors.new_empty([species.size(0), 0])
        kept: list[Tensor] = []
        for layer, features in enumerate(metadata.message_features):
            sent, kept = net.send(layer, species, edge_index, vectors, received, kept, n_local)
            if sent.shape != (n_local, features):
                raise ContractError(
                    f"the network: send of layer {layer} returned messages of shape {tuple(sent.shape)} but "
                    f"message_features wants ({n_local}, {features})"
                )
            received = torch.cat([sent, sent.new_zeros([species.size(0) - n_local, features])])
        return net.finish(species, edge_index, vectors, received, kept, n_local)

    return call


def _evaluate(network: Call, names: list[str], graph: tuple[Tensor, ...], n_local: int) -> list[Tensor]:
    """Outputs, and the gradient by the edge vectors of their sum with weights that differ from atom to atom."""
    species, edge_index, vectors = graph
    vectors = vectors.clone().requires_grad_()
    results = network(species, edge_index, vectors, n_local)
    outputs = [results[name] for name in names]
    weights = torch.linspace(-1.0, 2.0, n_local, dtype=vectors.dtype)
    total = torch.stack([(weights * output).sum() for output in outputs]).sum()
    gradient = None
    if total.requires_grad:
        (gradient,) = torch.autograd.grad(total, vectors, allow_unused=True)
    return [
        *(output.detach() for output in outputs),
        torch.zeros_like(vectors) if gradient is None else gradient,
    ]
