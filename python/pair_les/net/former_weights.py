# SPDX-License-Identifier: MIT
"""Names of weights in checkpoints of former versions."""

from __future__ import annotations

from torch import Tensor, nn

PRESENT_NAMES = {"as_is_weights": "passthrough_weights"}


def rename_former_weights(module: nn.Module, state: dict[str, Tensor], prefix: str, *rest: object) -> None:
    """Give the weights in `state` their present names, in place; a hook of ``load_state_dict``."""
    for former, present in PRESENT_NAMES.items():
        if prefix + former in state:
            state[prefix + present] = state.pop(prefix + former)
