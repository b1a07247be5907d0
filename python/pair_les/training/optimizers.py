# SPDX-License-Identifier: MIT
"""The optimizer of a configuration, and which parameters decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..net import ContractNet
from ..net.parts import Part, part_of
from .config import TrainingSection

SOAP_BETA1 = 0.95
SOAP_PRECONDITIONER_BETA = 0.95
SOAP_PRECONDITION_FREQUENCY = 5
"""Steps between new eigenbases; for weights of at most some hundred rows they cost little beside a gradient."""


def new_optimizer(
    network: ContractNet, training: TrainingSection, factors: Mapping[Part, float] | None = None
) -> torch.optim.Optimizer:
    """AdamW, or SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, arXiv:2409.11321).

    Parameters
    ----------
    network
        Whose parameters are trained.
    training
        ``optimizer``, ``learning_rate``, ``weight_decay``, ``readout_weight_decay`` and ``beta2``.
    factors
        On the learning rates of parts of the network.
    """
    groups = parameter_groups(network, training.weight_decay, training.readout_weight_decay, factors)
    for group in groups:
        group["lr"] = training.learning_rate * group.pop("factor", 1.0)
    if training.optimizer == "soap":
        from pytorch_optimizer import SOAP  # here: it takes a second to import

        return SOAP(
            groups,
            lr=training.learning_rate,
            betas=(SOAP_BETA1, training.beta2),
            shampoo_beta=SOAP_PRECONDITIONER_BETA,
            precondition_frequency=SOAP_PRECONDITION_FREQUENCY,
        )
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, training.beta2))


def parameter_groups(
    network: ContractNet,
    weight_decay: float,
    readout_weight_decay: float | None = None,
    factors: Mapping[Part, float] | None = None,
) -> list[dict[str, Any]]:
    """Weights decay; biases, which carry energies and charges of the elements, and factors that start at 1 do not.

    The weights of the readout, which set the size of energies and charges, may decay by a rate of their own. Parts of the network
    with other `factors` on the learning rate than 1 are groups of their own, which have it as ``factor``; parameters without
    gradient are in no group.
    """
    of_readout = weight_decay if readout_weight_decay is None else readout_weight_decay
    members: dict[tuple[float, float], list[torch.nn.Parameter]] = {(weight_decay, 1.0): []}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        part = part_of(name)
        decay = of_readout if part == "readout" else weight_decay
        if name.endswith(("bias", "emphasis")):
            decay = 0.0
        members.setdefault((decay, (factors or {}).get(part, 1.0)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, **({} if factor == 1.0 else {"factor": factor})}
        for (decay, factor), parameters in members.items()
        if parameters
    ]
