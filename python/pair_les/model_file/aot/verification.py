# SPDX-License-Identifier: MIT
"""The traced passes against the network that was traced, for graphs of other sizes, before anything is compiled.

Tracing follows the branches that the example takes. A network whose branches depend on sizes ends here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pair_les.errors import RunError
from pair_les.model_file.aot.padding import PER_SPECIES, pad_graph
from pair_les.model_file.aot.partition import TwoPasses
from pair_les.model_file.aot.tracing import Network, example_graph
from pair_les.model_file.metadata import Metadata
from pair_les.model_file.outputs import require_outputs

SIZES = ((1, 0, 0), (3, 4, 2), (60, 30, 15))
"""Local atoms, ghosts, edges of each center."""

RELATIVE = {"float32": 1e-4, "float64": 1e-10}
"""Of the largest value: one code run twice, with other atoms beside, whose sums may be grouped differently."""


def require_contract(network: Network, metadata: Metadata, names: list[str]) -> None:
    """Raise `ContractError` where the outputs of the network are not those of the contract, before any work."""
    n_local, n_ghost, n_edges = SIZES[-1]
    graph = example_graph(metadata, n_local, n_ghost, n_edges, seed=1)
    output = network(*graph, n_local)
    require_outputs(output, names, metadata, n_local, "the network")


def require_same(network: Network, passes: TwoPasses, metadata: Metadata, names: list[str]) -> None:
    """Raise `RunError` where the passes do not give the outputs and gradients of the network."""
    for n_local, n_ghost, n_edges in SIZES:
        graph = example_graph(metadata, n_local, n_ghost, n_edges, seed=1)
        expected = _evaluate_network(network, names, graph, n_local)
        found = _evaluate_passes(passes, metadata, names, graph, n_local)
        for name, mine, reference in zip([*names, "gradient"], found, expected, strict=True):
            scale = max(1.0, float(reference.abs().max())) if reference.numel() > 0 else 1.0
            difference = float((mine - reference).abs().max()) if reference.numel() > 0 else 0.0
            if not difference <= RELATIVE[metadata.dtype] * scale:
                raise RunError(
                    f"--format pt2: the traced network differs by {difference:.1e} in '{name}' for {n_local} atoms with "
                    f"{n_edges} edges each: its code must not branch on numbers of atoms or edges; use --format torchscript"
                )


def _seeds(outputs: list[Tensor]) -> list[Tensor]:
    """Weights of the outputs that differ from atom to atom."""
    return [
        torch.linspace(-1.0, 2.0, output.size(-1), dtype=output.dtype).expand_as(output) for output in outputs
    ]


def _evaluate_network(
    network: Network, names: list[str], graph: tuple[Tensor, ...], n_local: int
) -> list[Tensor]:
    species, edge_index, vectors = graph
    vectors = vectors.clone().requires_grad_()
    results = network(species, edge_index, vectors, n_local)
    outputs = [results[name] for name in names]
    parts = [(seed * output).sum() for seed, output in zip(_seeds(outputs), outputs, strict=True)]
    total = torch.stack(parts).sum()
    gradient = None
    if total.requires_grad:
        (gradient,) = torch.autograd.grad(total, vectors, allow_unused=True)
    return [
        *(output.detach() for output in outputs),
        torch.zeros_like(vectors) if gradient is None else gradient,
    ]


def _evaluate_passes(
    passes: TwoPasses,
    metadata: Metadata,
    names: list[str],
    graph: tuple[Tensor, Tensor, Tensor],
    n_local: int,
) -> list[Tensor]:
    n_species = len(metadata.species)
    first = PER_SPECIES * n_species
    inputs = pad_graph(*graph, n_local, n_species, metadata.cutoff)
    returned = passes.forward(*inputs)
    outputs = [output.narrow(-1, first, n_local) for output in returned[: len(names)]]
    seeds = [torch.zeros_like(output) for output in returned[: len(names)]]
    for seed, values in zip(seeds, _seeds(outputs), strict=True):
        seed.narrow(-1, first, n_local).copy_(values)
    (gradient,) = passes.backward(*inputs, *returned[len(names) :], *seeds)
    return [*outputs, gradient[inputs[3].size(0) - graph[2].size(0) :]]
