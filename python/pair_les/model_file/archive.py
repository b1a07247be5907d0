# SPDX-License-Identifier: MIT
"""Reading and writing of model files, which carry their own contract (versions 1 to 3).

A model file is a TorchScript archive or an AOTInductor package (:mod:`pair_les.model_file.aot`) with one extra file,
``metadata.json``; this module is the only Python file that knows this. Torch is imported only by the functions that
need it, so that metadata can be read without it.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..constants import FUSED_FILE, METADATA_FILE
from ..installation.device import require_device
from ..output_files import write_file
from .metadata import ContractError, Metadata

if TYPE_CHECKING:
    import torch

PACKAGE_MARK = "archive_format"
"""Entry of every archive of torch that is not of TorchScript."""


def created_with() -> dict[str, str]:
    """Versions and date for ``Metadata.created_with``."""
    from datetime import datetime, timezone

    import torch

    from .. import __version__

    return {
        "pair_les": __version__,
        "torch": str(torch.__version__),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def save_model(
    path: str | os.PathLike[str],
    scripted_module: torch.jit.ScriptModule,
    metadata: Metadata,
    fused: torch.jit.ScriptModule | None = None,
) -> None:
    """Write a model file in one step: either the whole new file is there afterwards, or the old one.

    Parameters
    ----------
    path
        The file to write; its folder must exist.
    scripted_module
        The network of the contract's signature, scripted.
    metadata
        Its contract.
    fused
        The same network in the fused operators of the compiled core, which this package reads instead where it has
        them. `scripted_module` is what everybody else reads.

    Raises
    ------
    ContractError
        If the folder does not exist.
    OutputError
        If the file cannot be written.
    """
    import torch

    extra_files: dict[str, str | bytes] = {METADATA_FILE: metadata.to_json()}
    if fused is not None:
        buffer = io.BytesIO()
        torch.jit.save(fused, buffer)
        extra_files[FUSED_FILE] = buffer.getvalue()
    _require_folder(Path(path))
    archive = io.BytesIO()  # torch ends the process where it cannot write a file
    torch.jit.save(scripted_module, archive, _extra_files=extra_files)
    write_file(path, archive.getvalue())


def save_package(
    path: str | os.PathLike[str],
    network: torch.nn.Module,
    metadata: Metadata,
    instruction_set: str | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Compile a network to an AOTInductor package and write it as a model file, in one step as `save_model`.

    Parameters
    ----------
    path
        The file to write; its folder must exist.
    network
        Of the contract's signature, in plain PyTorch, not scripted, on the CPU; its parameters lose their gradients.
    metadata
        Its contract.
    instruction_set
        baseline, avx2 or avx512: what every machine must have that runs the file; None: the best of this one.
    say
        Gets lines of progress.

    Raises
    ------
    ContractError
        If the folder does not exist, or the network returns something else than the contract says.
    OutputError
        If the file cannot be written.
    RunError
        If there is no C++ compiler, or torch cannot trace or compile the network.
    """
    from .aot.package import compile_package

    _require_folder(Path(path))
    write_file(path, compile_package(network, metadata, instruction_set, say))


def _require_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise ContractError(f"{path}: folder '{path.parent}' does not exist: create it or give another path")


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """Read and validate the metadata of a model file, without torch.

    Raises
    ------
    ContractError
        If the file is missing, neither a TorchScript archive nor a package, truncated, without metadata, or with invalid
        metadata.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ContractError(
            f"{path}: model file {what}: give the path of a file written by 'pair-les export'"
        )
    with open(path, "rb") as stream:
        magic = stream.read(4)
    if magic != b"PK\x03\x04":
        raise ContractError(
            f"{path}: not a TorchScript archive: write it with torch.jit.save or 'pair-les export'"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            is_package = any(name.split("/")[1:] == [PACKAGE_MARK] for name in names)
            if not is_package and not any(name.endswith("/constants.pkl") for name in names):
                raise ContractError(
                    f"{path}: not a TorchScript archive (a torch.save file or another zip): "
                    "convert a checkpoint with 'pair-les export'"
                )
            has_metadata = any(name.split("/")[1:] == ["extra", METADATA_FILE] for name in names)
            if is_package and not has_metadata:
                raise ContractError(
                    f"{path}: AOTInductor package without {METADATA_FILE}: write it with 'pair-les export --format pt2'"
                )
            if not has_metadata:
                raise ContractError(
                    f"{path}: TorchScript archive without {METADATA_FILE}: save it with "
                    f"torch.jit.save(..., _extra_files={{'{METADATA_FILE}': ...}})"
                )
    except zipfile.BadZipFile as error:
        raise ContractError(
            f"{path}: truncated or damaged TorchScript archive: copy or export it again"
        ) from error
    content = _extra_file(path, METADATA_FILE)
    assert content is not None  # found above
    return Metadata.from_json(content, path)


def _extra_file(path: str | os.PathLike[str], name: str) -> bytes | None:
    """Content of an extra file of a TorchScript archive; None where it has none of this name."""
    with zipfile.ZipFile(path) as archive:
        found = [entry for entry in archive.namelist() if entry.split("/")[1:] == ["extra", name]]
        return archive.read(found[0]) if found else None


def is_model_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is an archive with metadata of the contract, and not, say, a checkpoint."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.split("/")[1:] == ["extra", METADATA_FILE] for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def is_package(path: str | os.PathLike[str]) -> bool:
    """Return whether a readable model file is an AOTInductor package."""
    with zipfile.ZipFile(path) as archive:
        return any(name.split("/")[1:] == [PACKAGE_MARK] for name in archive.namelist())


def load_model(
    path: str | os.PathLike[str], device: str | torch.device = "cpu"
) -> tuple[torch.nn.Module, Metadata]:
    """Load a model file for evaluation: on the CPU its fused form where there is one and the compiled core is installed.

    Parameters
    ----------
    path
        A file of contract version 1, 2 or 3.
    device
        Where the network goes; a package stays on the CPU.

    Returns
    -------
    The module in eval mode, its parameters without gradients, and its validated metadata.

    Raises
    ------
    ContractError
        See `read_metadata`; also if torch cannot read the archive, or this machine cannot run the package.
    DeviceError
        See `require_device`.
    """
    import torch

    from ..installation.fused_operators import load as load_operators

    require_device(device)
    metadata = read_metadata(path)
    if is_package(path):
        from .aot.runtime import load_package

        if torch.device(device).type != "cpu":
            raise ContractError(
                f"{path}: a package is compiled for CPUs, not for {device}: export the model with '--format torchscript'"
            )
        return load_package(path, metadata).eval(), metadata
    on_cpu = torch.device(device).type == "cpu"
    fused = _extra_file(path, FUSED_FILE) if on_cpu and load_operators() else None
    try:
        source = os.fspath(path) if fused is None else io.BytesIO(fused)
        module = torch.jit.load(source, map_location=device)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ContractError(f"{path}: torch cannot read this archive ({reason}): export it again") from error
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module, metadata
