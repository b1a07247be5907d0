# SPDX-License-Identifier: MIT
"""Parts of a network that are not trained, or at a rate of their own."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ConfigError
from ..net import ContractNet
from ..net.parts import Part, named_parts, part_of
from .config import Config

TRAINED_BACKBONE = 0.1
"""Factor on the learning rate of a backbone with a checkpoint: what it knows is not thrown away while charges are learned."""


def rate_factors(config: Config) -> dict[Part, float]:
    """Return the factor on the learning rate of each part that has one."""
    model = config.model
    factors: dict[Part, float] = dict(config.training.learning_rate_factors)
    if model.backbone is not None:
        usual = 1.0 if model.checkpoint is None else TRAINED_BACKBONE
        factors.setdefault(
            "backbone", usual if model.learning_rate_factor is None else model.learning_rate_factor
        )
    return factors


def freeze_parts(network: ContractNet, config: Config) -> None:
    """Leave the parts of `training.freeze` untrained, and what `model.freeze` says of a backbone.

    Raises
    ------
    ConfigError
        If the network has no such part, nor one of `training.learning_rate_factors`, or nothing is left to train.
    """
    parts, training = named_parts(network), config.training
    _require_known("freeze", training.freeze, parts)
    _require_known("learning_rate_factors", training.learning_rate_factors, parts)
    for part in training.freeze:
        for parameter in parts[part]:
            parameter.requires_grad_(False)
    for name, parameter in network.named_parameters():
        if part_of(name) == "backbone" and (
            config.model.freeze == "all" or (config.model.freeze == "embedding" and "embedding" in name)
        ):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ConfigError(
            f"training.freeze = {list(training.freeze)}: nothing is left to train: leave out one of {', '.join(parts)}"
        )


def _require_known(key: str, given: Iterable[str], parts: Iterable[str]) -> None:
    known = list(parts)
    for part in given:
        if part not in known:
            raise ConfigError(f"training.{key} names {part}: this network has the parts {', '.join(known)}")
