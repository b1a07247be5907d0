# SPDX-License-Identifier: MIT
"""The section `model` of the configuration that a start model was trained with."""

from __future__ import annotations

from typing import Any

from ..model_file.archive import is_model_file, read_metadata
from .checkpoint_file import find_checkpoint, read_checkpoint


def read_start_section(path: str) -> dict[str, Any] | None:
    """Plain values of the section; None where a model file does not have it.

    A file of ``pair-les convert`` is a backbone.
    """
    if is_converted(path):
        return {"backbone": "converted", "checkpoint": path}
    if is_model_file(path):
        return read_metadata(path).created_with.get("model")
    return read_checkpoint(find_checkpoint(path))["pair_les"]["config"]["model"]


def is_converted(path: str) -> bool:
    """Whether a file is a model file of ``pair-les convert``, which a run starts from as a backbone."""
    return is_model_file(path) and "converted_from" in read_metadata(path).created_with
