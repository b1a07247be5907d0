# SPDX-License-Identifier: MIT
"""What the name in `model.backbone` stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from .backbone import Backbone, restore
from .classes import entry_points, from_class
from .packages import FOLDERS, from_checkpoint, from_model_file

CONVERTED = "converted"
"""Name of the backbone that is a file of ``pair-les convert``."""

NEW = ("mace",)
"""Packages whose networks can be made here, without a checkpoint."""


def known_backbones() -> list[str]:
    """Names that `model.backbone` may have, beside classes."""
    return [*FOLDERS, CONVERTED, *entry_points()]


def require_known(name: str, checkpoint: str | None) -> None:
    """Raise `ConfigError` where a name stands for nothing, or for a network that needs a checkpoint."""
    if ":" not in name and name not in known_backbones():
        raise ConfigError(
            f"model.backbone = {name}: known are {', '.join(known_backbones())}, or a class as package.module:Class"
        )
    if checkpoint is None and (name == CONVERTED or (name in FOLDERS and name not in NEW)):
        raise ConfigError(
            f"model.backbone = {name}: needs model.checkpoint: only {', '.join(NEW)} and classes are trained from nothing"
        )


def is_class(name: str) -> bool:
    """Whether a known name stands for a class of the protocol."""
    return name not in FOLDERS and name != CONVERTED


def load_backbone(
    name: str,
    species: Sequence[str],
    cutoff: float,
    options: Mapping[str, Any],
    checkpoint: str | None,
    precision: str,
    average_neighbors: float,
) -> Backbone:
    """Make the backbone of a configuration.

    Parameters
    ----------
    name, options, checkpoint, cutoff
        Of the section `model`.
    species
        Elements, of a network that is new or of a class; a checkpoint of a package has its own.
    precision
        ``float32`` or ``float64``.
    average_neighbors
        Of the training frames; only for a new network.
    """
    require_known(name, checkpoint)
    if is_class(name):
        target = name if ":" in name else entry_points()[name]
        return from_class(name, target, species, cutoff, options, checkpoint)
    if checkpoint is None:
        from .new_mace import new_mace

        return new_mace(species, cutoff, options, average_neighbors, precision)
    if name == CONVERTED:
        return from_model_file(checkpoint, precision)
    return from_checkpoint(name, checkpoint, options, precision)


def restore_backbone(
    saved: Mapping[str, Any], name: str, cutoff: float, options: Mapping[str, Any]
) -> Backbone:
    """The backbone of a checkpoint of ours: from its archive, or again by its class."""
    if saved["archive"] is not None:
        return restore(saved, None)
    target = name if ":" in name else entry_points().get(name, "")
    if not target:
        require_known(name, None)
    return restore(saved, from_class(name, target, saved["species"], cutoff, options, None).module)
