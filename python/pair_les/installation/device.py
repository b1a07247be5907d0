# SPDX-License-Identifier: MIT
"""Devices of torch, checked before anything is put on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DeviceError

if TYPE_CHECKING:
    import torch


def require_device(device: str | torch.device) -> torch.device:
    """The device of a name, which this torch can use on this machine.

    Raises
    ------
    DeviceError
        If the name is none that torch knows, or torch has no such device here.
    """
    import torch

    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise DeviceError(f"device {device!r}: must be 'cpu', 'cuda' or 'cuda:N': use 'cpu'") from error
    if found.type == "cpu":
        return found
    here = torch.accelerator.current_accelerator(check_available=True)
    if here is None or here.type != found.type:
        have = "the CPU only" if here is None else f"the CPU and '{here.type}'"
        raise DeviceError(
            f"device '{found}': torch {torch.__version__} finds {have} on this machine: use 'cpu'"
            + ("" if here is None else f" or '{here.type}'")
        )
    count = torch.accelerator.device_count()
    if found.index is not None and found.index >= count:
        raise DeviceError(
            f"device '{found}': torch finds {count} of this kind: use '{found.type}:{count - 1}' or less"
        )
    return found
