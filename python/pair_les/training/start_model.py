# SPDX-License-Identifier: MIT
"""The model that a run starts from (`training.start_from`): a run folder, a checkpoint, or a file of ``pair-les export``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..backbones.backbone import Backbone
from ..errors import ConfigError, RunError
from ..model_file.archive import is_model_file, is_package, read_metadata
from ..model_file.metadata import LongRange, Metadata
from ..net import ContractNet
from .config import Config, ModelSection
from .config_file import differing_keys
from .network import DTYPES, new_network
from .start_section import is_converted
from .trained import TrainedModel, load_trained


@dataclass(frozen=True)
class StartModel:
    """A trained network with what a new run takes from it.

    Parameters
    ----------
    file
        As the user names it.
    network
        On the CPU, in the precision of the new run.
    model
        Its section of the configuration; None: not in the file, that of the new run fits.
    long_range
        None: no charges.
    reference_energies
        eV per element.
    origin
        Plain values that say what it is: file, checksum, versions, and where its own weights came from.
    backbone
        Of the network; None for the networks of pair_les.
    """

    file: str
    network: ContractNet
    model: ModelSection | None
    long_range: LongRange | None
    reference_energies: dict[str, float]
    origin: dict[str, Any]
    backbone: Backbone | None = None

    @property
    def species(self) -> list[str]:
        """Elements, in the order of the species index."""
        return self.network.species


def read_start_model(path: str, config: Config) -> StartModel:
    """Read a start model.

    Parameters
    ----------
    path
        Run folder (its best weights), checkpoint, or TorchScript model file of ``pair-les export``.
    config
        Of the new run, whose `model` section must describe the same network.

    Raises
    ------
    RunError
        If it cannot be read.
    ConfigError
        If the network of `config` is another one.
    ContractError
        If a model file breaks the contract.
    """
    if is_converted(path):
        raise ConfigError(
            f"training.start_from: {path} is a file of 'pair-les convert': set model.backbone: converted and model.checkpoint: {path} "
            "instead, or leave the section model out"
        )
    start = _from_model_file(path, config) if is_model_file(path) else _from_run(path, config)
    if start.model is not None:
        _require_same_network(start.model, config.model, path)
    return start


def _from_run(path: str, config: Config) -> StartModel:
    trained: TrainedModel = load_trained(path)
    references = trained.network.reference_energies.tolist()
    return StartModel(
        file=path,
        network=trained.network.to(DTYPES[config.training.precision]),
        model=trained.config.model,
        long_range=trained.long_range,
        reference_energies=dict(zip(trained.species, references, strict=True)),
        origin={
            "start_from": path,
            "checkpoint": trained.file,
            "sha256": _checksum(trained.file),
            **({"origin": trained.origin} if trained.origin else {}),
        },
        backbone=trained.backbone,
    )


def _from_model_file(path: str, config: Config) -> StartModel:
    metadata = read_metadata(path)
    _require_weights(path, metadata)
    created = metadata.created_with
    section = created.get("model")
    model = config.model if section is None else ModelSection.model_validate(section)
    references = {symbol: metadata.reference_energies.get(symbol, 0.0) for symbol in metadata.species}
    network = new_network(model, metadata.species, metadata.dtype, references)
    state = torch.jit.load(path, map_location="cpu").state_dict()
    if metadata.uncertainty is not None:  # of UncertainNet
        state = {name.removeprefix("network."): value for name, value in state.items()}
    weights = {name: state[name] for name in network.state_dict() if name in state}
    weights["reference_energies"] = network.reference_energies  # those of the metadata
    _require_fitting_weights(network, weights, path)
    network.load_state_dict(weights)
    network.requires_grad_(False)
    return StartModel(
        file=path,
        network=network.to(DTYPES[config.training.precision]),
        model=None if section is None else model,
        long_range=metadata.long_range,
        reference_energies=references,
        origin={"start_from": path, "sha256": _checksum(path), "created_with": _plain(created)},
    )


def _require_weights(path: str, metadata: Metadata) -> None:
    """Raise `RunError` for a model file whose weights cannot be trained further."""
    if is_package(path):
        raise RunError(
            f"training.start_from: {path} is a compiled package, whose weights cannot be trained: give its run folder, "
            "or a file of 'pair-les export --format torchscript'"
        )
    if metadata.committee > 1:
        raise RunError(
            f"training.start_from: {path} is a committee of {metadata.committee} networks: give one of their run folders"
        )
    if metadata.charge_per_atom is not None:
        raise RunError(
            f"training.start_from: {path} was exported for one charge state: give its run folder, which knows all states"
        )
    section = metadata.created_with.get("model") or {}
    if section.get("backbone") is not None:
        raise RunError(
            f"training.start_from: {path} contains backbone {section['backbone']}, which a model file does not hold apart: give the "
            "run folder it was exported from"
        )


def _require_fitting_weights(network: ContractNet, weights: Mapping[str, torch.Tensor], path: str) -> None:
    """Raise `RunError` unless a model file without the section `model` has the network of the configuration."""
    for name, value in network.state_dict().items():
        found = weights.get(name)
        if found is None or found.shape != value.shape:
            what = "no such tensor" if found is None else f"shape {tuple(found.shape)}"
            raise RunError(
                f"training.start_from: {path}: {name} must have shape {tuple(value.shape)}, the file has {what}: give the "
                "section model of the run that it was exported from"
            )


def _require_same_network(old: ModelSection, new: ModelSection, file: str) -> None:
    """Raise `ConfigError` that names the first key of the section `model` which is not that of the start model.

    A model without charges may get some.
    """
    one, other = old.model_dump(mode="json"), new.model_dump(mode="json")
    if one["long_range"] is None:
        one["long_range"] = other["long_range"]
    differing = differing_keys(one, other, "model.")
    if differing:
        parts = differing[0].split(".")[1:]
        before: Any = one
        now: Any = other
        for part in parts:
            before, now = (None if v is None else v.get(part) for v in (before, now))
        raise ConfigError(
            f"{differing[0]} = {now!r}, that of training.start_from = {file} is {before!r}: leave the key out, or train "
            "without training.start_from"
        )


def _checksum(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "model"}
