# SPDX-License-Identifier: MIT
"""A MACE model in the fused operators, where its layers have such a form."""

from __future__ import annotations

from copy import deepcopy

import torch

from ..fused.operators import provide
from ..stages import LocalNetwork, network_of_stages
from .fused_stage import FusedMaceStage
from .layer_weights import layer_weights


def build_fused(model: torch.nn.Module, indices: list[int], plain: LocalNetwork) -> LocalNetwork:
    """The stages of `build_stages` in the operators of the compiled core.

    Parameters
    ----------
    model
        MACE, ScaleShiftMACE or MACELES in eval mode.
    indices
        Position of each species of the model file among ``model.atomic_numbers``.
    plain
        Result of `build_stages`.

    Raises
    ------
    NotFused
        If a layer has no such form.
    """
    provide()
    dtype = next(model.parameters()).dtype
    exact = deepcopy(model).double()
    with torch.jit.optimized_execution(False):
        weights = [layer_weights(exact, number, indices, dtype) for number in range(len(exact.interactions))]
        one_hot = torch.eye(len(exact.atomic_numbers), dtype=torch.float64)[indices]
        embedding = exact.node_embedding(one_hot)
    stages = [
        FusedMaceStage(stage, weights, number, float(model.r_max), embedding)
        for number, stage in enumerate(plain.stages)
    ]
    return network_of_stages(stages, plain.charged, getattr(plain, "message_features", []), plain.n_features)
