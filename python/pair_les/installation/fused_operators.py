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

import pair_les
from pair_les import plugin

from ..errors import UserError

LIBRARY = "libpair_les_core.so"
VARIABLE = "PAIR_LES_FUSED"


def library() -> Path | None:
    """The installed core library; None where it has not been built."""
    # an editable install has two places: the source tree and site-packages
    return next(
        (Path(place) / LIBRARY for place in pair_les.__path__ if (Path(place) / LIBRARY).exists()), None
    )


def load() -> bool:
    """Register the operators with torch; whether they are there to be used.

    Raises
    ------
    UserError
        If ``PAIR_LES_FUSED`` is neither 0 nor 1, or 1 where there is no core library, or the core belongs to another torch.
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
            f"{VARIABLE} = 1: {LIBRARY} has not been built: install the package with 'pip install .'"
        )
    return False


def load_library() -> bool:
    """Register the operators whatever the environment says, for files that contain them; False where they are not built.

    Raises
    ------
    UserError
        If the core was built with another release of torch.
    """
    found = library()
    if found is not None:
        _require_release(found)
        _load_once(found)
    return found is not None


def _require_release(file: Path) -> None:
    """torch has no stable C++ interface: a core of another release has undefined symbols, or worse, none."""
    built = plugin.build_info()
    release = torch.__version__.split("+")[0]
    if built is not None and built.torch != release:
        raise UserError(
            f"{file.name} was built with torch {built.torch} but this is torch {release}: type 'pip install "
            f"torch=={built.torch}', install pair_les again for this torch, or set {VARIABLE}=0 to do without it"
        )


@functools.cache
def _load_once(file: Path) -> None:
    torch.ops.load_library(str(file))
