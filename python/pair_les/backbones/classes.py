# SPDX-License-Identifier: MIT
"""Backbones that are any class of the protocol (docs/developer/backbones.md), named by module or by entry point."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..errors import ConfigError
from .backbone import Backbone, require_features

GROUP = "pair_les.backbones"
"""Group of the entry points of other packages: ``NAME = package.module:Class``."""


def entry_points() -> dict[str, str]:
    """Names that installed packages register, with the classes they stand for."""
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}


def from_class(
    name: str,
    target: str,
    species: Sequence[str],
    cutoff: float,
    options: Mapping[str, Any],
    checkpoint: str | None,
) -> Backbone:
    """Make an object of a class, and load its weights where there is a checkpoint.

    Parameters
    ----------
    name
        As the user gives it.
    target
        ``package.module:Class``.
    species, cutoff, options
        Arguments of the class.
    checkpoint
        File of ``torch.save(module.state_dict())``; None: new weights.

    Raises
    ------
    ConfigError
        If there is no such class, or it cannot be made with these arguments, or does not keep to the protocol.
    """
    kind = _find(name, target)
    try:
        module = kind(species=list(species), cutoff=float(cutoff), **options)
    except TypeError as error:
        raise ConfigError(
            f"model.backbone = {name}: {error}: its arguments are {inspect.signature(kind)}, of which species and cutoff are given "
            "and the others are model.options"
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ConfigError(f"model.backbone = {name}: {target} is no torch.nn.Module: name a class of modules")
    require_features(module, name)
    layers = getattr(module, "message_passing_layers", 0)
    references: dict[str, float] = {}
    if checkpoint is not None:
        _load_weights(module, name, checkpoint)
        references = dict(getattr(module, "reference_energies", None) or dict.fromkeys(species, 0.0))
    package = target.split(".")[0].split(":")[0]
    return Backbone(
        name=name,
        module=module,
        species=list(species),
        cutoff=float(cutoff),
        message_passing_layers=int(layers),
        trained=checkpoint is not None,
        reference_energies=references,
        versions={"source": f"{target} {_version(package)}".strip()},
    )


def _find(name: str, target: str) -> Any:
    module, _, attribute = target.partition(":")
    if (
        os.getcwd() not in sys.path
    ):  # `pair-les` does not look into the current folder, where one's own module often is
        sys.path.append(os.getcwd())
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"model.backbone = {name}: module {module} cannot be imported ({error}): install its package, or run where the file is"
        ) from error
    kind = getattr(found, attribute, None)
    if not inspect.isclass(kind):
        known = [
            key
            for key, value in vars(found).items()
            if inspect.isclass(value) and issubclass(value, torch.nn.Module)
        ]
        raise ConfigError(
            f"model.backbone = {name}: {module} has no class {attribute!r}: it has {', '.join(known) or 'none'}"
        )
    return kind


def _load_weights(module: torch.nn.Module, name: str, checkpoint: str) -> None:
    """Load a state dict.

    Raises
    ------
    ConfigError
        If the file is none of this module.
    """
    if not os.path.isfile(checkpoint):
        raise ConfigError(
            f"model.checkpoint: {checkpoint} does not exist: give a file of torch.save(module.state_dict())"
        )
    try:
        module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    except Exception as error:  # a file of something else ends in any exception of its reader
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ConfigError(
            f"model.checkpoint: {checkpoint} is no state dict of {name} ({lines[0] if lines else type(error).__name__}): give a "
            "file of torch.save(module.state_dict())"
        ) from error


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
