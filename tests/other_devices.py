# SPDX-License-Identifier: MIT
"""Devices of torch other than the CPU for tests of what is copied to a device and back.

torch's lazy device computes on the CPU, but refuses tensors that have not been moved to it: what a GPU would refuse as well.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch

_NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="this torch has no GPU")

OTHER_DEVICES = pytest.mark.parametrize(
    "device", ["lazy", pytest.param("cuda", marks=_NEEDS_GPU), pytest.param("cuda:0", marks=_NEEDS_GPU)]
)


@cache  # the lazy device may be started once in a process
def start(device: str) -> None:
    """Make the device known to torch."""
    if device == "lazy":
        pytest.importorskip("torch._lazy.ts_backend").init()
