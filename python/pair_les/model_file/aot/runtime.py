# SPDX-License-Identifier: MIT
"""Loading of packages. Twin: cpp/pair_les/core/package_model.cpp."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import zipfile
from pathlib import Path

from pair_les.installation import fused_operators as fused
from pair_les.model_file.aot.instruction_set import NAMES, best
from pair_les.model_file.aot.package import PADDING_VERSION, torch_release
from pair_les.model_file.aot.packaged_network import PackagedNetwork, PassPair
from pair_les.model_file.aot.parts import output_names, pass_names
from pair_les.model_file.aot.torch_internals import AOTIModelContainerRunnerCpu
from pair_les.model_file.metadata import ContractError, Metadata


def load_package(path: str | os.PathLike[str], metadata: Metadata) -> PackagedNetwork:
    """Load the compiled network of a package.

    Raises
    ------
    ContractError
        If the package was compiled for another torch or another processor, or cannot be unpacked.
    """
    require_machine(path, metadata)
    fused.load_library()  # a package may call its operators
    assert metadata.compiled is not None  # checked above
    n_outputs = [*(1 + n_kept for n_kept in metadata.compiled.kept), len(output_names(metadata))]
    parts = [
        PassPair(open_pass(path, forward).run, open_pass(path, backward).run, n)
        for (forward, backward), n in zip(pass_names(metadata), n_outputs, strict=True)
    ]
    return PackagedNetwork(metadata, parts)


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
