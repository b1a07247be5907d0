# SPDX-License-Identifier: MIT
"""TorchScript of networks that contain modules of e3nn."""

from __future__ import annotations

import warnings

import torch


def script_with_e3nn(network: torch.nn.Module) -> torch.jit.ScriptModule:
    """By e3nn, which knows how its own modules are scripted; ``torch.jit.script`` does not."""
    from e3nn.util.jit import script

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return script(network)
