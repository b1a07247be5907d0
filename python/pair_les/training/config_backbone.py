# SPDX-License-Identifier: MIT
"""Rules of the section `model` of the configuration about backbones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..model_file.metadata import LongRange

BACKBONE_KEYS = ("checkpoint", "options", "freeze", "learning_rate_factor")


def complete_backbone(values: dict[str, Any]) -> dict[str, Any]:
    """Add what a trained backbone says itself and the configuration does not: its cutoff, and the long range of its charges."""
    name, checkpoint, options = (values.get(key) for key in ("backbone", "checkpoint", "options"))
    if not isinstance(name, str) or not isinstance(checkpoint, str):
        return values
    if "cutoff" in values and "long_range" in values:
        return values
    from ..backbones.registry import is_class, require_known  # here: it imports torch

    require_known(name, checkpoint)
    if is_class(name):
        return values
    cutoff, settings = _read(name, checkpoint, str((options or {}).get("head", "")), _changed(checkpoint))
    found = {"cutoff": cutoff, **values}
    if settings is not None and "long_range" not in values:
        names = ("sigma", "coulomb_constant", "self_interaction", "neutralize", "charge_model")
        found["long_range"] = {key: getattr(settings, key) for key in names}
    return found


@lru_cache(maxsize=4)
def _read(name: str, checkpoint: str, head: str, changed: float) -> tuple[float, LongRange | None]:
    """Cutoff, angstrom, and long range of a checkpoint."""
    if name == "converted":
        from ..model_file.archive import read_metadata

        metadata = read_metadata(checkpoint)
        return metadata.cutoff, metadata.long_range
    from ..backbones.packages import from_checkpoint

    backbone = from_checkpoint(name, checkpoint, {"head": head} if head else {}, "float32")
    return backbone.cutoff, backbone.long_range


def _changed(file: str) -> float:
    return os.path.getmtime(file) if os.path.exists(file) else 0.0


def require_consistent_backbone(section: Any, own_keys: Sequence[str]) -> None:
    """Raise `ValueError` where keys of a backbone and of the networks of pair_les are mixed."""
    fields = type(section).model_fields
    backbone = section.backbone
    if backbone is None:
        for key in BACKBONE_KEYS:
            if getattr(section, key) != fields[key].default:
                raise ValueError(f"{key} is given without backbone: name the network with model.backbone")
        return
    from ..backbones.registry import require_known  # here: it imports torch

    require_known(backbone, section.checkpoint)
    for key in own_keys:
        if getattr(section, key) != fields[key].default:
            raise ValueError(
                f"{key} = {getattr(section, key)} describes the network of pair_les, not the backbone {backbone}: leave it out, and "
                "give its sizes in model.options"
            )
