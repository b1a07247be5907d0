# SPDX-License-Identifier: MIT
"""The optimizer of a configuration, and which parameters decay."""

from __future__ import annotations

from typing import Any

import torch

from ..net import ContractNet
from .config import TrainingSection

SOAP_BETA1 = 0.95
SOAP_PRECONDITIONER_BETA = 0.95
SOAP_PRECONDITION_FREQUENCY = 5
"""Steps between new eigenbases; for weights of at most some hundred rows they cost little beside a gradient."""


def new_optimizer(network: ContractNet, training: TrainingSection) -> torch.optim.Optimizer:
    """AdamW, or SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, arXiv:2409.11321).

    Parameters
    ----------
    network
        Whose parameters are trained.
    training
        ``optimizer``, ``learning_rate``, ``weight_decay``, ``readout_weight_decay`` and ``beta2``.
    """
    groups = parameter_groups(network, training.weight_decay, training.readout_weight_decay)
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
    network: ContractNet, weight_decay: float, readout_weight_decay: float | None = None
) -> list[dict[str, Any]]:
    """Weights decay; biases, which carry energies and charges of the elements, and factors that start at 1 do not.

    The weights of the readout, which set the size of energies and charges, may decay by a rate of their own.
    """
    of_readout = weight_decay if readout_weight_decay is None else readout_weight_decay
    members: dict[float, list[torch.nn.Parameter]] = {weight_decay: []}
    for name, parameter in network.named_parameters():
        decay = of_readout if name.startswith("readout.") else weight_decay
        if name.endswith(("bias", "emphasis")):
            decay = 0.0
        members.setdefault(decay, []).append(parameter)
    return [{"params": parameters, "weight_decay": decay} for decay, parameters in members.items()]
