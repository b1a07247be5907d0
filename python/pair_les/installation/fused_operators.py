# SPDX-License-Identifier: MIT
"""The fused operators of the compiled core, ``torch.ops.pair_les``.

``density``, ``products``, ``equivariants``, ``messages``, ``squash``, ``silu`` and ``edge_vectors`` are differentiable twice. Each
has a pure-torch twin that gives the same numbers (the file of :mod:`pair_les.net` with its name; ``squash`` and ``silu`` are in
:mod:`pair_les.net.activations`), which is used where the core has not been compiled, on devices other than the CPU, and where the
environment says ``PAIR_LES_FUSED=0``.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import torch

from pair_les import plugin

from ..errors import UserError

VARIABLE = "PAIR_LES_FUSED"


def library() -> Path | None:
    """The installed core library for this torch; None where it has not been built."""
    return plugin.core_library(torch.__version__)


def load() -> bool:
    """Register the operators with torch; whether they are there to be used.

    Raises
    ------
    UserError
        If ``PAIR_LES_FUSED`` is neither 0 nor 1, or 1 where there is no core library, or no core belongs to this torch.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "0", "1"):
        raise UserError(f"{VARIABLE} = {wanted}: must be 0 (pure torch) or 1; unset it for the faster one")
    if wanted == "0":
        return False
    if load_library():
        return True
    if wanted == "1":
        raise UserError(
            f"{VARIABLE} = 1: {plugin.CORE} has not been built: install the package with 'pip install .'"
        )
    return False


def load_library() -> bool:
    """Register the operators whatever the environment says, for files that contain them; False where they are not built.

    Raises
    ------
    UserError
        If there is no core for this release of torch, or it cannot be loaded.
    """
    found = library()
    if found is None:
        built = plugin.build_info()
        if built is None:
            return False
        raise UserError(
            f"{plugin.CORE} was built with torch {', '.join(built.torch_releases)} but this is torch {_release()}: "
            + _advice(built)
        )
    _load_once(found)
    return True


def _release() -> str:
    return str(torch.__version__).split("+")[0]


def _advice(built: plugin.BuildInfo | None) -> str:
    install = f"type 'pip install torch=={built.torch}', " if built else ""
    return f"{install}install pair_les again for this torch, or set {VARIABLE}=0 to do without it"


@functools.cache
def _load_once(file: Path) -> None:
    try:
        torch.ops.load_library(str(file))
    except OSError as error:  # undefined symbols: a development version, or one that was changed
        reason = " ".join(str(error).split())
        raise UserError(
            f"{file.name} cannot be loaded into torch {torch.__version__} ({reason}): "
            + _advice(plugin.build_info())
        ) from error
