# SPDX-License-Identifier: MIT
"""Backbones from checkpoints of other packages, by the adapters of ``pair-les convert``, and from files that it has written."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..convert.converted import Converted
from ..convert.sources import recognize
from ..errors import ConfigError
from ..model_file.archive import is_package, read_metadata
from .backbone import Backbone, archive_of, load_archive, require_features

FOLDERS = {"mace": "mace", "sevenn": "sevenn", "nequip": "nequip", "allegro": "nequip", "cace": "cace"}
"""Folder of the adapter of each package."""


def from_checkpoint(name: str, file: str, options: Mapping[str, Any], precision: str) -> Backbone:
    """A trained network of a package, whose file is loaded: a whole pickled model runs as a program.

    Raises
    ------
    ConfigError
        For an option that is not known, or a network without scalar features.
    ConversionError
        If the package is not installed, or the file is of another kind or cannot be converted.
    """
    unknown = sorted(set(options) - {"head"})
    if unknown:
        raise ConfigError(
            f"model.options: {unknown[0]}: a network of a checkpoint is as it was trained: only 'head' may be given"
        )
    recognize(Path(file), FOLDERS[name])
    adapter = importlib.import_module(f"pair_les.convert.{FOLDERS[name]}")
    converted: Converted = adapter.read(Path(file), None, options.get("head"), precision)
    return from_converted(name, converted, trained=True)


def from_converted(name: str, converted: Converted, trained: bool) -> Backbone:
    """The backbone of an adapter's result."""
    require_features(converted.network, name)
    for parameter in converted.network.parameters():
        parameter.requires_grad_(True)
    archive = archive_of(converted.script(converted.network))
    metadata = converted.metadata
    return Backbone(
        name=name,
        module=load_archive(archive),
        species=list(metadata.species),
        cutoff=metadata.cutoff,
        message_passing_layers=metadata.message_passing_layers,
        trained=trained,
        reference_energies=dict(metadata.reference_energies) if trained else {},
        long_range=metadata.long_range,
        archive=archive,
        versions={"source": converted.package},
    )


def from_model_file(file: str, precision: str) -> Backbone:
    """The network of a file of ``pair-les convert``; no package of its origin is needed.

    Raises
    ------
    ConfigError
        If the file has no such network.
    ContractError
        If it is no model file.
    """
    metadata = read_metadata(file)
    if "converted_from" not in metadata.created_with or is_package(file):
        raise ConfigError(
            f"model.checkpoint: {file} is no file of 'pair-les convert': models of pair_les are trained further with "
            "training.start_from"
        )
    module = torch.jit.load(file, map_location="cpu")
    if not getattr(module, "n_features", 0):
        raise ConfigError(
            f"model.checkpoint: {file} has no scalar features to learn charges from: convert it again with this pair_les"
        )
    if metadata.dtype != precision:
        raise ConfigError(
            f"training.precision = {precision}: {file} is {metadata.dtype}: set training.precision: {metadata.dtype}, or convert "
            f"it with --precision {precision}"
        )
    archive = archive_of(module)
    return Backbone(
        name="converted",
        module=load_archive(archive),
        species=list(metadata.species),
        cutoff=metadata.cutoff,
        message_passing_layers=metadata.message_passing_layers,
        trained=True,
        reference_energies={s: metadata.reference_energies.get(s, 0.0) for s in metadata.species},
        long_range=metadata.long_range,
        archive=archive,
        versions={"source": str(metadata.created_with.get("source", ""))},
    )
