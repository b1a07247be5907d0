# SPDX-License-Identifier: MIT
"""Forward and backward passes of parts as a network of the contract's signature, on the autograd tape.

Twin: cpp/pair_les/core/package_model.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pair_les.model_file.aot.padding import PER_SPECIES, pad_graph, pad_rows
from pair_les.model_file.aot.parts import FIRST_DIFFERENTIABLE, output_names
from pair_les.model_file.metadata import Metadata

Pass = Callable[[list[Tensor]], Sequence[Tensor]]


@dataclass(frozen=True)
class PassPair:
    """The two passes of a part.

    ``forward`` takes the inputs of the part and returns its outputs and then what ``backward`` needs; this takes the inputs, that,
    and one seed per floating-point output, and returns the gradients of the differentiable inputs.
    """

    forward: Pass
    backward: Pass
    n_outputs: int


class PackagedNetwork(torch.nn.Module):
    """A network of compiled parts; on the CPU, differentiable once.

    Parameters
    ----------
    metadata
        Its contract; with `message_features` there is one part for each layer.
    parts
        Their passes, in order.
    """

    def __init__(self, metadata: Metadata, parts: Sequence[PassPair]) -> None:
        super().__init__()
        self.n_species = len(metadata.species)
        self.cutoff = metadata.cutoff
        self.names = output_names(metadata)
        self.parts = list(parts)

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """The signature of the contract. A network that is cut is evaluated for the ghosts, too."""
        n = n_local if len(self.parts) == 1 else species.size(0)
        before: list[Tensor] = []
        for layer in range(len(self.parts) - 1):
            sent, kept = self._send(layer, species, edge_index, edge_vectors, before, n)
            before = [sent, *kept]
        result = self._finish(species, edge_index, edge_vectors, before, n)
        return {name: output.narrow(-1, 0, n_local) for name, output in result.items()}

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
        """As in the contract; what is kept is padded."""
        before = [received, *kept] if layer > 0 else []
        return self._send(layer, species, edge_index, edge_vectors, before, n_local)

    def finish(
        self,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        received: Tensor,
        kept: list[Tensor],
        n_local: int,
    ) -> dict[str, Tensor]:
        """As in the contract."""
        return self._finish(species, edge_index, edge_vectors, [received, *kept], n_local)

    def _send(
        self,
        layer: int,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        before: list[Tensor],
        n: int,
    ) -> tuple[Tensor, list[Tensor]]:
        sent, *kept = self._run(layer, species, edge_index, edge_vectors, before, n)
        return sent.narrow(0, PER_SPECIES * self.n_species, n), kept

    def _finish(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, before: list[Tensor], n: int
    ) -> dict[str, Tensor]:
        outputs = self._run(-1, species, edge_index, edge_vectors, before, n)
        first = PER_SPECIES * self.n_species
        result = {name: output.narrow(-1, first, n) for name, output in zip(self.names, outputs, strict=True)}
        for name in ("energy", "charge"):
            if f"member_{name}" in result:
                result[name] = result[f"member_{name}"].mean(0)
        return result

    def _run(
        self,
        part: int,
        species: Tensor,
        edge_index: Tensor,
        edge_vectors: Tensor,
        before: list[Tensor],
        n: int,
    ) -> tuple[Tensor, ...]:
        graph = pad_graph(species, edge_index, edge_vectors, n, self.n_species, self.cutoff)
        if before:
            before = [pad_rows(before[0], self.n_species), *before[1:]]
        return _PassPairFunction.apply(self.parts[part], *graph, *before)


class _PassPairFunction(torch.autograd.Function):
    """Both passes of a part as one operation of the tape."""

    @staticmethod
    def forward(ctx, part: PassPair, *inputs: Tensor) -> tuple[Tensor, ...]:
        inputs = tuple(tensor.detach().contiguous() for tensor in inputs)
        returned = part.forward(list(inputs))
        outputs = tuple(returned[: part.n_outputs])
        ctx.part = part
        ctx.is_seeded = [output.is_floating_point() for output in outputs]
        ctx.is_differentiable = [
            number >= FIRST_DIFFERENTIABLE and tensor.is_floating_point()
            for number, tensor in enumerate(inputs)
        ]
        ctx.mark_non_differentiable(*(output for output in outputs if not output.is_floating_point()))
        ctx.save_for_backward(*inputs, *returned[part.n_outputs :])
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *seeds: Tensor) -> tuple[Tensor | None, ...]:
        given = [seed.contiguous() for seed, seeded in zip(seeds, ctx.is_seeded, strict=True) if seeded]
        gradients = iter(ctx.part.backward([*ctx.saved_tensors, *given]))
        return None, *(next(gradients) if wanted else None for wanted in ctx.is_differentiable)
