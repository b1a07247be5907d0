# SPDX-License-Identifier: MIT
"""Checkpoint files: finding that of a run, and reading one."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from ..errors import RunError
from .checkpoints import BEST, LAST


def find_checkpoint(path: str | os.PathLike[str]) -> Path:
    """The checkpoint with the best weights of a run folder; a file is itself.

    Raises
    ------
    RunError
        If a folder has none.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    candidates = [folder / name for name in (BEST, LAST) for folder in (path / "checkpoints", path)]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        raise RunError(
            f"{path}: the folder has no checkpoints/{BEST}: give the output folder of pair-les train "
            "after its first epoch, or a .ckpt file"
        )
    return found


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint file (plain values and tensors only: nothing in it is executed).

    Raises
    ------
    RunError
        If there is no such file, or it is no checkpoint of pair_les.
    """
    if not path.is_file():
        raise RunError(
            f"{path}: checkpoint does not exist: give a .ckpt file or the output folder of pair-les train"
        )
    with open(path, "rb"):
        pass  # a file that may not be read is an error of its own
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise RunError(
            f"{path}: not a checkpoint, or a damaged one: give a file written by pair-les train"
        ) from error
    if not isinstance(state, dict) or "pair_les" not in state:
        raise RunError(f"{path}: not a checkpoint of pair_les: give a file written by pair-les train")
    return state
