# SPDX-License-Identifier: MIT
"""Sizes that depend on data, as a number that TorchScript understands and that an export to a package can follow."""

from __future__ import annotations

import torch
from torch import Tensor


def as_size(count: Tensor) -> int:
    """The int of a tensor of one integer; while the network is traced with symbols (`pair-les export --format pt2`), a symbol."""
    if torch.jit.is_scripting():
        return int(count)
    return count.item()  # type: ignore[return-value]
