# SPDX-License-Identifier: MIT
"""TorchScript of networks that contain modules of e3nn."""

from __future__ import annotations

import warnings

import torch


def script_with_e3nn(network: torch.nn.Module) -> torch.jit.ScriptModule:
    """Script a network with the compiler of e3nn, which can script its own modules; ``torch.jit.script`` cannot."""
    from e3nn.util.jit import script

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return script(network)
