# SPDX-License-Identifier: MIT
"""Writing of model files that are AOTInductor packages. Twin of the reader: cpp/pair_les/core/package_model.cpp.

An archive of torch (``.pt2``) with two compiled models, ``forward`` and ``backward``, for each part of the network
(:mod:`pair_les.model_file.aot.parts`), and the contract's ``metadata.json`` as an extra file. A forward pass returns the outputs of its
part and what the backward pass needs, so that two-phase evaluation computes nothing twice. Both see padded graphs
(:mod:`pair_les.model_file.aot.padding`).
"""

from __future__ import annotations

import io
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pair_les.constants import METADATA_FILE
from pair_les.errors import RunError
from pair_les.model_file.aot.compiler import choose_instruction_set, compile_pass, compiler, summarize_error
from pair_les.model_file.aot.packaged_network import PackagedNetwork, PassPair
from pair_les.model_file.aot.padding import pad_graph
from pair_les.model_file.aot.partition import (
    TracedPass,
    TwoPasses,
    bound_data_dependent_sizes,
    find_free_sizes,
    partition,
)
from pair_les.model_file.aot.parts import N_GRAPH, Part, parts_of
from pair_les.model_file.aot.script_interpreter import interpreted_scripts
from pair_les.model_file.aot.torch_internals import package_pt2
from pair_les.model_file.aot.tracing import example_graph, trace
from pair_les.model_file.aot.verification import require_contract, require_same
from pair_les.model_file.metadata import Compiled, ContractError, Metadata

PADDING_VERSION = 1
"""Version of the atoms and edges that a package expects before the real ones."""


def torch_release() -> str:
    """Version of torch without the part that says what it was built for."""
    return str(torch.__version__).split("+")[0]


def compile_package(
    network: torch.nn.Module,
    metadata: Metadata,
    instruction_set: str | None = None,
    say: Callable[[str], None] = print,
) -> bytes:
    """Compile a network.

    Parameters
    ----------
    network
        Of the contract's signature; in plain torch, not scripted, on the CPU.
    metadata
        Its contract.
    instruction_set
        baseline, avx2 or avx512; None: the best of this processor.
    say
        Gets lines of progress.

    Returns
    -------
    The content of the model file; its metadata says what it was compiled for.

    Raises
    ------
    ContractError
        If the network returns something else than the contract says.
    RunError
        If there is no compiler, or the network cannot be traced or compiled.
    """
    instruction_set = choose_instruction_set(instruction_set)
    compiler()
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for module in network.modules():
        prepare = getattr(module, "prepare_for_compilation", None)  # networks of this package have it
        if callable(prepare):
            prepare()

    say("tracing the network ...")
    try:
        require_contract(network, metadata)
        with interpreted_scripts(network):
            traced = _trace_parts(network, metadata)
        metadata = replace(metadata, compiled=describe_target(instruction_set, traced))
        require_same(network, PackagedNetwork(metadata, [part.pair for part in traced]), metadata)
    except RunError as error:
        raise RunError(f"{error}{_scripted(network)}") from error
    except ContractError:
        raise
    except Exception as error:  # whatever the network does that cannot be traced
        raise RunError(
            f"--format pt2: torch cannot trace the network: {summarize_error(error)}{_scripted(network)}: "
            "use --format torchscript"
        ) from error

    passes = [compiled for part in traced for compiled in part.passes()]
    files: dict[str, Any] = {}  # lists of names
    for number, (name, module, arguments, free) in enumerate(passes, 1):
        what = f"{name.replace('_', ' ')} pass ({number} of {len(passes)})"
        files[name] = [*compile_pass(what, module, arguments, free, instruction_set, say)]
    archive = io.BytesIO()
    package_pt2(archive, aoti_files=files, extra_files={METADATA_FILE: metadata.to_json()})
    return archive.getvalue()


def _scripted(network: torch.nn.Module) -> str:
    """Clause that names a module which is TorchScript already: tracing takes the sizes of the example for the only ones."""
    names = [name for name, module in network.named_modules() if isinstance(module, torch.jit.ScriptModule)]
    if not names:
        return ""
    others = f" and {len(names) - 1} others" if len(names) > 1 else ""
    return f" (its module '{names[0]}'{others} are TorchScript already, which fixes sizes)"


@dataclass(frozen=True)
class _TracedPart:
    """A part with its two passes and examples of what they take: tensors and their dimensions of any size."""

    part: Part
    traced: TwoPasses
    inputs: list[Tensor]
    free: list[set[int]]
    kept: list[Tensor]
    seeds: list[Tensor]
    free_of_seeds: list[set[int]]

    @property
    def pair(self) -> PassPair:
        """The passes as they were traced."""
        forward, backward = self.traced.forward, self.traced.backward
        return PassPair(lambda given: forward(*given), lambda given: backward(*given), self.n_outputs)

    @property
    def n_outputs(self) -> int:
        return len(self.traced.output_values)

    def passes(self) -> Iterator[tuple[str, TracedPass, tuple[Tensor, ...], list[set[int]]]]:
        """Name, module, arguments and their free dimensions of each pass."""
        yield self.part.forward, self.traced.forward, tuple(self.inputs), self.free
        of_kept = [find_free_sizes(value) for value in self.traced.kept_values]
        arguments = (*self.inputs, *self.kept, *self.seeds)
        yield self.part.backward, self.traced.backward, arguments, [*self.free, *of_kept, *self.free_of_seeds]


def _trace_parts(network: torch.nn.Module, metadata: Metadata) -> list[_TracedPart]:
    n_species = len(metadata.species)
    n_local = 7 + 3 * n_species
    graph = example_graph(metadata, n_local, 9, 6, 0, ghost_centers=not metadata.message_features)
    inputs = [*pad_graph(*graph, n_local, n_species, metadata.cutoff)]
    free: list[set[int]] = [{0}, {0}, {1}, {0}]
    parts = parts_of(network, metadata)
    traced: list[_TracedPart] = []
    for part in parts:
        outputs = [output.detach() for output in part.call(*inputs)]
        seeds = [torch.randn_like(output) for output in outputs if output.is_floating_point()]
        one_graph = trace(part.call, inputs, seeds, copies=len(parts) > 1)
        bound_data_dependent_sizes(one_graph)
        passes = partition(one_graph, len(inputs), len(outputs))
        of_outputs = [find_free_sizes(value) for value in passes.output_values]
        kept = [value.detach() for value in passes.forward(*inputs)[len(outputs) :]]
        of_seeds = [
            sizes for sizes, output in zip(of_outputs, outputs, strict=True) if output.is_floating_point()
        ]
        traced.append(_TracedPart(part, passes, inputs, free, kept, seeds, of_seeds))
        received = torch.randn(inputs[0].size(0), outputs[0].size(-1), dtype=outputs[0].dtype)
        inputs = [*inputs[:N_GRAPH], received, *outputs[1:]]
        free = [*free[:N_GRAPH], {0}, *of_outputs[1:]]
    return traced


def describe_target(instruction_set: str, parts: list[_TracedPart]) -> Compiled:
    """Return what a machine must have to run a file that is compiled here, with this torch, and what its layers keep."""
    kept = [part.n_outputs - 1 for part in parts[:-1]]
    return Compiled(torch_release(), platform.machine(), instruction_set, PADDING_VERSION, kept)
