# SPDX-License-Identifier: MIT
"""Partition of one traced graph of outputs and gradient into a forward pass and a backward pass that takes what the first kept."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch.fx import Graph, GraphModule, Node

aten = torch.ops.aten

VIEWS = {
    aten.detach.default,
    aten.expand.default,
    aten.permute.default,
    aten.select.int,
    aten.slice.Tensor,
    aten.t.default,
    aten.transpose.int,
    aten.unsqueeze.default,
    aten.view.default,
}
"""Done again by the backward pass: they cost nothing, and a package may not return two tensors of one memory."""

LARGEST_SIZE = 2**31 - 1
"""Of a dimension that depends on data: torch writes bounds of their sums into the code, which must be integers of C++."""


class TracedPass(torch.nn.Module):
    """One pass as a graph of operators, `traced`."""

    def __init__(self, traced: GraphModule) -> None:
        super().__init__()
        self.traced = traced


@dataclass(frozen=True)
class TwoPasses:
    """``forward(*inputs)`` returns the outputs and then what is kept; ``backward(*inputs, *kept, *seeds)`` the gradients.

    A size that the backward pass needs is kept as an empty tensor that has it as its first dimension.
    """

    forward: TracedPass
    backward: TracedPass
    kept_values: list[torch.Tensor | torch.SymInt | int]
    """Fake values of what is kept, with symbols for sizes."""
    output_values: list[torch.Tensor]
    """Fake values of the outputs."""


class _Forward(TracedPass):
    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(
            value if isinstance(value, torch.Tensor) else torch.empty([value, 0])
            for value in self.traced(*inputs)
        )


class _Backward(TracedPass):
    def __init__(self, traced: GraphModule, n_inputs: int, kept_is_size: list[bool]) -> None:
        super().__init__(traced)
        self.n_inputs = n_inputs
        self.kept_is_size = kept_is_size

    def forward(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kept = [
            value.size(0) if is_size else value
            for value, is_size in zip(arguments[self.n_inputs :], self.kept_is_size, strict=False)
        ]
        seeds = arguments[self.n_inputs + len(kept) :]
        return tuple(self.traced(*arguments[: self.n_inputs], *kept, *seeds))


def bound_data_dependent_sizes(traced: GraphModule) -> None:
    """Assert in the graph that sizes which depend on data are at least 2 (:mod:`pair_les.model_file.aot.padding`), at run time."""
    for node in list(traced.graph.nodes):
        if node.target is aten.nonzero.default:
            with traced.graph.inserting_after(node):
                size = traced.graph.call_function(aten.sym_size.int, (node, 0))
        elif node.target is aten._local_scalar_dense.default:
            size = node
        else:
            continue
        for comparison, bound in ((operator.le, LARGEST_SIZE), (operator.ge, 2)):
            with traced.graph.inserting_after(size):
                holds = traced.graph.call_function(comparison, (size, bound))
            with traced.graph.inserting_after(holds):
                traced.graph.call_function(torch._check, (holds,))


def partition(traced: GraphModule, n_inputs: int, n_outputs: int) -> TwoPasses:
    """Split a graph with placeholders (inputs, seeds) and results (outputs, gradients).

    The backward pass repeats nothing but views: everything else that it needs of what the outputs need is kept.
    """
    nodes = list(traced.graph.nodes)
    placeholders = traced.graph.find_nodes(op="placeholder")
    inputs, seeds = placeholders[:n_inputs], placeholders[n_inputs:]
    results = next(iter(traced.graph.find_nodes(op="output"))).args[0]
    outputs, gradients = results[:n_outputs], results[n_outputs:]

    of_outputs = _find_ancestors(outputs)
    kept: set[Node] = set()
    of_backward: set[Node] = set()
    pending = list(gradients)
    while pending:
        node = pending.pop()
        if node in of_backward or node in kept or node.op == "placeholder":
            continue
        if node not in of_outputs or node.op == "get_attr" or node.target in VIEWS:
            of_backward.add(node)
            pending.extend(node.all_input_nodes)
        else:
            kept.add(node)
    to_keep = [node for node in nodes if node in kept]
    checks = [node for node in nodes if node.target is torch._check]
    of_forward = _find_ancestors([*outputs, *to_keep, *checks])

    forward = _copy(
        traced, [node for node in nodes if node in of_forward or node in inputs], [], to_keep, outputs
    )
    backward = _copy(
        traced, [node for node in nodes if node in of_backward], [*inputs, *to_keep, *seeds], [], gradients
    )
    values = [node.meta["val"] for node in to_keep]
    is_size = [not isinstance(value, torch.Tensor) for value in values]
    return TwoPasses(
        _Forward(forward),
        _Backward(backward, n_inputs, is_size),
        values,
        [node.meta["val"] for node in outputs],
    )


def _find_ancestors(roots: Iterable[Node]) -> set[Node]:
    seen: set[Node] = set()
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending.extend(node.all_input_nodes)
    return seen


def _copy(
    traced: GraphModule, nodes: list[Node], arguments: list[Node], kept: list[Node], results: list[Node]
) -> GraphModule:
    """A graph of `nodes` with further placeholders for `arguments` before them, returning `results` and `kept`."""
    graph = Graph()
    copies: dict[Node, Node] = {}
    for number, node in enumerate(arguments):
        copies[node] = graph.placeholder(f"argument_{number}")
    for node in nodes:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output([copies[node] for node in (*results, *kept)])
    return GraphModule(traced, graph)


def find_free_sizes(value: torch.Tensor | torch.SymInt | int) -> set[int]:
    """Return the dimensions of a tensor whose sizes are symbols; a kept size is one of an empty tensor."""
    if not isinstance(value, torch.Tensor):
        return {0}
    return {dimension for dimension, size in enumerate(value.shape) if isinstance(size, torch.SymInt)}
