# SPDX-License-Identifier: MIT
"""Networks that contain TorchScript are traced with symbols for sizes, and scripts are what they were afterwards."""

from __future__ import annotations

from typing import Optional

import pytest
import torch
from pair_les.errors import RunError
from pair_les.model_file import Metadata
from pair_les.model_file.aot.package import _trace_parts, describe_target
from pair_les.model_file.aot.packaged_network import PackagedNetwork
from pair_les.model_file.aot.script_interpreter import interpret, interpreted_scripts
from pair_les.model_file.aot.verification import require_same
from torch import Tensor


@torch.jit.script
def harmonics(vectors: Tensor, l_max: int, scale: float = 1.5) -> Tensor:
    """Branches, a loop over constants, lists."""
    columns = [torch.ones(vectors.size(0), dtype=vectors.dtype, device=vectors.device)]
    for power in range(l_max):
        columns.append(columns[-1] * vectors[..., power % 3] * scale)
    if l_max > 2:
        columns = columns[:3]
    return torch.stack(columns, 1)


class Generated(torch.nn.Module):
    """What e3nn generates: reshapes to sizes of the input, einsum, an optional argument, a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(
            "weight", torch.tensor([[0.3, -0.2], [0.1, 0.4], [0.7, 0.5]], dtype=torch.float64)
        )

    def forward(self, x: Tensor, offset: Optional[Tensor] = None) -> Tensor:  # noqa: UP045  TorchScript reads it
        shape = list(x.shape[:1]) + [2]
        result = torch.einsum("zu,uw->zw", x.reshape(x.size(0), 3), self.weight).reshape(shape)
        if offset is not None:
            result = result + offset
        return result + torch.zeros(shape, dtype=x.dtype)


class Network(torch.nn.Module):
    """Of the contract's signature."""

    def __init__(self) -> None:
        super().__init__()
        self.generated = torch.jit.script(Generated())

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        features = self.generated(harmonics(edge_vectors, 4)).tanh().sum(1)
        energy = edge_vectors.new_zeros(species.size(0)).index_add(0, edge_index[0], features)
        return {"energy": energy[:n_local]}


METADATA = Metadata(["H", "O"], 4.0, dtype="float64")


def test_sizes_are_free_and_results_the_same() -> None:
    network = Network()
    with interpreted_scripts(network):
        parts = _trace_parts(network, METADATA)
    packaged = PackagedNetwork(METADATA, [part.pair for part in parts])
    require_same(network, packaged, METADATA)  # for graphs of other sizes
    assert describe_target("baseline", parts).kept == []


def test_scripts_are_back_afterwards() -> None:
    network = Network()
    script = network.generated
    with interpreted_scripts(network):
        assert network.generated is not script and not isinstance(harmonics, torch.jit.ScriptFunction)
    assert network.generated is script and isinstance(harmonics, torch.jit.ScriptFunction)


def test_without_it_the_sizes_of_the_example_are_fixed() -> None:
    with pytest.raises(RunError, match="fixes the number of"):
        _trace_parts(Network(), METADATA)


def test_unknown_operations_are_named() -> None:
    @torch.jit.script
    def formatted(x: Tensor) -> str:
        return f"{x.size(0)}"

    with pytest.raises(RunError, match="TorchScript with the operation aten::format"):
        interpret(formatted.inlined_graph, (torch.ones(2),))
