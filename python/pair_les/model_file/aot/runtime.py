# SPDX-License-Identifier: MIT
"""A package as a network of the contract's signature, on the autograd tape. Twin: cpp/pair_les/core/package_model.cpp."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from pair_les.installation import fused_operators as fused
from pair_les.model_file.aot.instruction_set import NAMES, best
from pair_les.model_file.aot.package import PADDING_VERSION, torch_release
from pair_les.model_file.aot.padding import PER_SPECIES, pad_graph
from pair_les.model_file.aot.torch_internals import AOTIModelContainerRunnerCpu
from pair_les.model_file.aot.tracing import output_names
from pair_les.model_file.metadata import ContractError, Metadata


class PackagedModel(torch.nn.Module):
    """The compiled network of a package; on the CPU, differentiable once by the edge vectors.

    Raises
    ------
    ContractError
        If the package was compiled for another torch or another processor, or cannot be unpacked.
    """

    def __init__(self, path: str | os.PathLike[str], metadata: Metadata) -> None:
        super().__init__()
        require_machine(path, metadata)
        fused.load_library()  # a package may call its operators
        self.n_species = len(metadata.species)
        self.cutoff = metadata.cutoff
        self.names = output_names(metadata)
        self.forward_pass = open_pass(path, "forward")
        self.backward_pass = open_pass(path, "backward")

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        """The signature of the contract."""
        graph = pad_graph(species, edge_index, edge_vectors, n_local, self.n_species, self.cutoff)
        outputs = _TwoPasses.apply(self, *graph)
        first = PER_SPECIES * self.n_species
        result = {
            name: output.narrow(-1, first, n_local) for name, output in zip(self.names, outputs, strict=True)
        }
        for name in ("energy", "charge"):
            if f"member_{name}" in result:
                result[name] = result[f"member_{name}"].mean(0)
        return result


class _TwoPasses(torch.autograd.Function):
    """Both compiled passes as one operation of the tape."""

    @staticmethod
    def forward(ctx, model: PackagedModel, *graph: Tensor) -> tuple[Tensor, ...]:
        inputs = [tensor.detach().contiguous() for tensor in graph]
        returned = model.forward_pass.run(inputs)
        ctx.model = model
        ctx.save_for_backward(*inputs, *returned[len(model.names) :])
        return tuple(returned[: len(model.names)])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *seeds: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.model.backward_pass.run(
            [*ctx.saved_tensors, *(seed.contiguous() for seed in seeds)]
        )
        return None, None, None, None, gradient


def require_machine(path: str | os.PathLike[str], metadata: Metadata) -> None:
    """Raise `ContractError` where this torch or this processor cannot run the package."""
    compiled = metadata.compiled
    if compiled is None:
        raise ContractError(f"{path}: metadata key 'compiled' is missing in a package: export it again")
    again = "export it again here with 'pair-les export --format pt2'"
    for name, value, mine in (
        ("torch", compiled.torch, torch_release()),
        ("machine", compiled.machine, platform.machine()),
        ("padding", compiled.padding, PADDING_VERSION),
    ):
        if value != mine:
            raise ContractError(f"{path}: compiled for {name} {value} but this is {name} {mine}: {again}")
    wanted, mine = compiled.instruction_set, best()
    if wanted not in NAMES or NAMES.index(wanted) > NAMES.index(mine):
        raise ContractError(
            f"{path}: compiled for instruction set {wanted} but this processor runs {mine}: export it with '--isa {mine}'"
        )


def open_pass(path: str | os.PathLike[str], name: str) -> AOTIModelContainerRunnerCpu:
    """Open one compiled model of a package. Its unpacked files are gone from the disk when this returns."""
    folder = tempfile.mkdtemp(prefix="pair_les_")
    try:
        library = None
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                parts = entry.split("/")
                if parts[1:4] != ["data", "aotinductor", name]:
                    continue
                file = Path(folder) / parts[-1]
                file.write_bytes(archive.read(entry))
                library = file if file.suffix == ".so" else library
        if library is None:
            raise ContractError(f"{path}: package without a compiled {name} pass: export it again")
        return AOTIModelContainerRunnerCpu(str(library), 1)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ContractError(
            f"{path}: cannot unpack and load the {name} pass in {folder} ({reason}): "
            "set TMPDIR to a folder with free space that allows programs, or export it again"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
