# SPDX-License-Identifier: MIT
"""Functions of single elements between the products and the outputs."""

from __future__ import annotations

import torch
from torch import Tensor


def squash(x: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """``z / (1 + z^2)^(1/4)`` of ``z = (x - mean) / spread``: z where it is small, its square root where it is large.

    Parameters
    ----------
    x : Tensor
        ``[n, n_columns]``.
    mean, spread : Tensor
        ``[n_columns]``; the spread is not 0.
    """
    z = (x - mean) / spread
    return z * torch.rsqrt(torch.sqrt(torch.addcmul(torch.ones_like(z), z, z)))


def silu(x: Tensor, fused: bool) -> Tensor:
    """``x / (1 + exp(-x))``. `fused`, eager code only: as an operator whose second derivative is one loop, not eight.

    Model files have torch's own: first derivatives of it are one loop, too.
    """
    if torch.jit.is_scripting():
        return torch.nn.functional.silu(x)
    if fused and x.device.type == "cpu":
        return torch.ops.pair_les.silu(x)
    return torch.nn.functional.silu(x)
