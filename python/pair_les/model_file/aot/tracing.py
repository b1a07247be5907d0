# SPDX-License-Identifier: MIT
"""A part of a network as one graph of torch operators: its outputs, and the gradients of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import functionalize
from torch.fx import GraphModule

from pair_les.errors import RunError
from pair_les.model_file.aot.parts import FIRST_DIFFERENTIABLE
from pair_les.model_file.aot.torch_internals import fake_mode, make_fx
from pair_les.model_file.metadata import Metadata


def example_graph(
    metadata: Metadata, n_local: int, n_ghost: int, n_edges: int, seed: int, ghost_centers: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Species, edge_index and edge_vectors of a random graph of the contract, `n_edges` per center.

    With message passing some ghosts are centers, too, unless `ghost_centers` is false.
    """
    generator = torch.Generator().manual_seed(seed)
    n_atoms = n_local + n_ghost
    n_centers = n_local + (n_ghost // 2 if metadata.message_passing_layers > 0 and ghost_centers else 0)
    species = torch.randint(len(metadata.species), [n_atoms], generator=generator)
    center = torch.arange(n_centers).repeat_interleave(n_edges)
    neighbor = torch.randint(max(n_atoms, 1), [n_centers * n_edges], generator=generator)
    direction = torch.randn(n_centers * n_edges, 3, generator=generator, dtype=torch.float64)
    length = metadata.cutoff * (
        0.3 + 0.65 * torch.rand(n_centers * n_edges, 1, generator=generator, dtype=torch.float64)
    )
    vectors = length * direction / direction.norm(dim=1, keepdim=True)
    return species, torch.stack([center, neighbor]), vectors.to(getattr(torch, metadata.dtype))


def trace(
    call: Callable[..., list[Tensor]], inputs: Sequence[Tensor], seeds: Sequence[Tensor], copies: bool
) -> GraphModule:
    """The graph ``(*inputs, *seeds) -> (*outputs, *gradients)`` of a part, with symbols for sizes.

    Parameters
    ----------
    call
        A part of a network (:mod:`pair_les.model_file.aot.parts`).
    inputs
        Examples of its inputs.
    seeds
        One tensor per floating-point output, of its shape: gradients of the result by the outputs.
    copies
        Whether outputs are copied: those of a part may be views of each other, or of what its backward pass needs.

    Raises
    ------
    RunError
        If the network makes a number of one of the sizes, for example by a loop over atoms.
    """

    def both(*arguments: Tensor) -> list[Tensor]:
        leaves = list(arguments[: len(inputs)])
        differentiable = []
        for number, value in enumerate(leaves):
            if number >= FIRST_DIFFERENTIABLE and value.is_floating_point():
                leaves[number] = value.detach().requires_grad_()
                differentiable.append(leaves[number])
        outputs = call(*leaves)
        seeded = zip((o for o in outputs if o.is_floating_point()), arguments[len(inputs) :], strict=True)
        on_tape = [(output, seed) for output, seed in seeded if output.requires_grad]
        gradients: Sequence[Tensor | None] = [None] * len(differentiable)
        if on_tape:
            gradients = torch.autograd.grad(
                [output for output, _ in on_tape],
                differentiable,
                [seed for _, seed in on_tape],
                allow_unused=True,
            )
        results = [output.detach() for output in outputs]
        return [
            *(output.clone() if copies else output for output in results),
            *(
                torch.zeros_like(leaf) if gradient is None else gradient
                for leaf, gradient in zip(differentiable, gradients, strict=True)
            ),
        ]

    mode = fake_mode()
    arguments = [mode.from_tensor(tensor) for tensor in (*inputs, *seeds)]
    traced = make_fx(both, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*arguments)
    # writes into tensors become values: nothing that follows looks for side effects
    traced = make_fx(functionalize(traced), tracing_mode="symbolic", _allow_non_fake_inputs=True)(*arguments)
    for what, tensor, dimension in zip(("atoms", "local atoms", "edges"), arguments, (0, 0, 1), strict=False):
        size = tensor.shape[dimension]
        fixed = size if isinstance(size, int) else size.node.maybe_as_int()
        if fixed is not None:
            raise RunError(
                f"--format pt2: the code of the network fixes the number of {what} (to {fixed} of an example): "
                "write loops over them as tensor operations, or use --format torchscript"
            )
    traced.graph.eliminate_dead_code()
    traced.recompile()
    return traced
