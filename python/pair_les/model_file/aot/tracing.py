# SPDX-License-Identifier: MIT
"""A network as one graph of torch operators: its outputs, and their gradient by the edge vectors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functionalize
from torch.fx import GraphModule

from pair_les.errors import RunError
from pair_les.model_file.aot.torch_internals import fake_mode, make_fx
from pair_les.model_file.metadata import Metadata
from pair_les.model_file.outputs import atomic_output_names

Network = Callable[[Tensor, Tensor, Tensor, int], dict[str, Tensor]]


def output_names(metadata: Metadata) -> list[str]:
    """Return the names of the outputs of a package, in their order; its reader takes the means over a committee."""
    if metadata.committee > 1:
        return ["member_energy", *(["member_charge"] if metadata.long_range is not None else [])]
    return atomic_output_names(metadata)


def example_graph(
    metadata: Metadata, n_local: int, n_ghost: int, n_edges: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Species, edge_index and edge_vectors of a random graph of the contract, `n_edges` per center.

    With message passing some ghosts are centers, too.
    """
    generator = torch.Generator().manual_seed(seed)
    n_atoms = n_local + n_ghost
    n_centers = n_local + (n_ghost // 2 if metadata.message_passing_layers > 0 else 0)
    species = torch.randint(len(metadata.species), [n_atoms], generator=generator)
    center = torch.arange(n_centers).repeat_interleave(n_edges)
    neighbor = torch.randint(max(n_atoms, 1), [n_centers * n_edges], generator=generator)
    direction = torch.randn(n_centers * n_edges, 3, generator=generator, dtype=torch.float64)
    length = metadata.cutoff * (
        0.3 + 0.65 * torch.rand(n_centers * n_edges, 1, generator=generator, dtype=torch.float64)
    )
    vectors = length * direction / direction.norm(dim=1, keepdim=True)
    return species, torch.stack([center, neighbor]), vectors.to(getattr(torch, metadata.dtype))


def trace(network: Network, names: list[str], graph: tuple[Tensor, ...], seeds: list[Tensor]) -> GraphModule:
    """The graph ``(species, local_species, edge_index, edge_vectors, *seeds) -> (*outputs, gradient)``, sizes as symbols.

    Parameters
    ----------
    network
        Of the contract's signature.
    names
        Its outputs that the graph has.
    graph
        What `pair_les.model_file.aot.padding.pad_graph` returns for an example.
    seeds
        One tensor per output, of its shape: gradients of the result by the outputs.

    Raises
    ------
    RunError
        If the network makes a number of one of the sizes, for example by a loop over atoms.
    """

    def both(
        species: Tensor, local_species: Tensor, edge_index: Tensor, edge_vectors: Tensor, *seeds: Tensor
    ) -> list[Tensor]:
        vectors = edge_vectors.detach().requires_grad_()
        results = network(species, edge_index, vectors, local_species.size(0))
        outputs = [results[name] for name in names]
        differentiable = [number for number, output in enumerate(outputs) if output.requires_grad]
        gradient = torch.zeros_like(vectors)
        if differentiable:
            (found,) = torch.autograd.grad(
                [outputs[number] for number in differentiable],
                [vectors],
                [seeds[number] for number in differentiable],
                allow_unused=True,
            )
            gradient = gradient if found is None else found
        return [*(output.detach() for output in outputs), gradient]

    mode = fake_mode()
    arguments = [mode.from_tensor(tensor) for tensor in (*graph, *seeds)]
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
