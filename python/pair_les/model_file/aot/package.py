# SPDX-License-Identifier: MIT
"""Writing of model files that are AOTInductor packages. Twin of the reader: cpp/pair_les/core/package_model.cpp.

An archive of torch (``.pt2``) with two compiled models, ``forward`` and ``backward``, and the contract's ``metadata.json`` as an
extra file. The forward pass returns the outputs of the contract and what the backward pass needs, so that two-phase evaluation
computes nothing twice. Both see padded graphs (:mod:`pair_les.model_file.aot.padding`).
"""

from __future__ import annotations

import io
import platform
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from pair_les.constants import METADATA_FILE
from pair_les.errors import RunError
from pair_les.model_file.aot.compiler import choose_instruction_set, compile_pass, compiler, summarize_error
from pair_les.model_file.aot.padding import pad_graph
from pair_les.model_file.aot.partition import bound_data_dependent_sizes, partition
from pair_les.model_file.aot.torch_internals import package_pt2
from pair_les.model_file.aot.tracing import example_graph, output_names, trace
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

    n_species = len(metadata.species)
    graph = pad_graph(
        *example_graph(metadata, 7 + 3 * n_species, 9, 6, 0), 7 + 3 * n_species, n_species, metadata.cutoff
    )
    names = output_names(metadata)
    n_local = graph[1].size(0)
    members = [metadata.committee] if names[0].startswith("member") else []
    seeds = [torch.randn(*members, n_local, dtype=graph[3].dtype) for _ in names]
    say("tracing the network ...")
    try:
        require_contract(network, metadata, names)
        traced = trace(network, names, graph, seeds)
        bound_data_dependent_sizes(traced)
        passes = partition(traced, len(graph), len(names))
        returned = passes.forward(*graph)
        require_same(network, passes, metadata, names)
    except (RunError, ContractError):
        raise
    except Exception as error:  # whatever the network does that cannot be traced
        raise RunError(
            f"--format pt2: torch cannot trace the network: {summarize_error(error)}: use --format torchscript"
        ) from error
    kept = [value.detach() for value in returned[len(names) :]]

    of_graph: list[set[int]] = [{0}, {0}, {1}, {0}]
    of_kept = [_find_free_sizes(value) for value in passes.kept_values]
    of_seeds = [{len(members)} for _ in names]
    forward = compile_pass("forward", passes.forward, graph, of_graph, instruction_set, say)
    backward = compile_pass(
        "backward",
        passes.backward,
        (*graph, *kept, *seeds),
        [*of_graph, *of_kept, *of_seeds],
        instruction_set,
        say,
    )
    # a package is not cut at its layers: whoever reads it gives it the ghosts' neighbors, too
    metadata = replace(metadata, message_features=[], compiled=describe_target(instruction_set))
    archive = io.BytesIO()
    package_pt2(
        archive,
        aoti_files={"forward": [*forward], "backward": [*backward]},
        extra_files={METADATA_FILE: metadata.to_json()},
    )
    return archive.getvalue()


def describe_target(instruction_set: str) -> Compiled:
    """Return what a machine must have to run a file that is compiled here, with this torch."""
    return Compiled(torch_release(), platform.machine(), instruction_set, PADDING_VERSION)


def _find_free_sizes(value: Tensor | torch.SymInt | int) -> set[int]:
    """Return the dimensions of a tensor whose sizes are symbols; a kept size is one of an empty tensor."""
    if not isinstance(value, Tensor):
        return {0}
    return {dimension for dimension, size in enumerate(value.shape) if isinstance(size, torch.SymInt)}
