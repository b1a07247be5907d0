# SPDX-License-Identifier: MIT
"""Recognition of the package that wrote a file, from the names in its pickle; nothing is loaded."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConversionError
from .pickles import find_unsafe_names, read_names

PACKAGES = ("mace", "sevenn", "nequip", "cace")
"""What ``--from`` may say."""

_NAMED = re.compile(r"(sevennet|7net)-[\w-]+", re.IGNORECASE)
"""Names of models that sevenn brings."""

_SEVENN_KEY = re.compile(r"\d+_(convolution|self_interaction_1)\.")
_MACE_KEY = re.compile(r"interactions\.\d+\.(linear_up|conv_tp_weights)\.")
"""Names of parameters in a checkpoint."""

_NEQUIP_TARGET = re.compile(r"(nequip|allegro)(\.\w+)+")
"""Names of classes in the configuration that a checkpoint of NequIP holds."""


@dataclass(frozen=True)
class Source:
    """A file, or a name, and the package it is of. `runs` are names in its pickle that may run a program."""

    path: Path
    package: str
    runs: tuple[str, ...]


def recognize(path: Path, package: str | None) -> Source:
    """Find out what a file is.

    Raises
    ------
    ConversionError
        If it does not exist, is truncated, is of no known package or of another than `package`.
    """
    if not path.exists() and package in (None, "sevenn") and _NAMED.fullmatch(str(path)):
        return Source(path, "sevenn", ())
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ConversionError(f"{path}: {what}: give a model file")
    entries = _entries(path)
    if any(entry.split("/")[1:] == ["extra", "metadata.json"] for entry in entries):
        raise ConversionError(f"{path}: this is a model file of pair_les: nothing to convert")
    if any(entry.endswith("/constants.pkl") for entry in entries):
        raise ConversionError(
            f"{path}: a TorchScript archive has no weights that can be read by name: give the file it was compiled from"
        )
    if is_nequip_package(path):
        _require_package(package, "nequip", path)
        code = (entry.split("/", 1)[1] for entry in entries if entry.endswith(".py"))
        return Source(path, "nequip", tuple(sorted(code)))
    names, strings = read_names(path)
    found = _package(names, strings, path)
    _require_package(package, found, path)
    targets = sorted(filter(_NEQUIP_TARGET.fullmatch, strings)) if found == "nequip" else []
    return Source(path, found, (*targets, *find_unsafe_names(names)))


def is_nequip_package(path: Path) -> bool:
    """Whether a file is of ``nequip-package``: an archive of ``torch.package`` with a model and the code of its classes."""
    return any(entry.split("/")[1:] == ["model", "package_metadata.txt"] for entry in _entries(path))


def _require_package(package: str | None, found: str, path: Path) -> None:
    """Raise `ConversionError` if another package than `found` was asked for."""
    if package is not None and package != found:
        raise ConversionError(f"{path}: --from {package}: the file is of {found}: leave --from out")


def _package(names: set[str], strings: set[str], path: Path) -> str:
    tops = {name.split(".")[0] for name in names}
    if "info_dict" in strings and any(map(_NEQUIP_TARGET.fullmatch, strings)):
        return "nequip"
    for known in PACKAGES:
        if known in tops:
            return known
    if any(_SEVENN_KEY.match(string) for string in strings):
        return "sevenn"
    if any(_MACE_KEY.match(string) for string in strings):
        raise ConversionError(
            f"{path}: a MACE checkpoint has weights but not the network: give the .model file that mace_run_train writes beside it"
        )
    foreign = sorted(tops - {"torch", "collections", "builtins", "__builtin__", "_codecs", "numpy"})
    what = f"it refers to {', '.join(foreign[:5])}" if foreign else "it names no class of them"
    raise ConversionError(
        f"{path}: not a model of {', '.join(PACKAGES)}: {what}: give the file that holds the whole model"
    )


def _entries(path: Path) -> list[str]:
    """Names in a zip archive; none where it is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        return []
