# SPDX-License-Identifier: MIT
"""Checkpoints read back: the trained network with everything that export and evaluation need."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..backbones.backbone import Backbone
from ..backbones.registry import restore_backbone
from ..data.frames import Frame
from ..errors import RunError, UserError
from ..model_file.metadata import LongRange
from ..net import ContractNet
from .checkpoint_file import find_checkpoint, read_checkpoint
from .config import Config
from .config_file import parse_config
from .network import DTYPES, new_network

N_SAMPLES = 4


@dataclass(frozen=True)
class TrainedModel:
    """A network with trained (averaged) weights.

    Parameters
    ----------
    network
        In the precision it was trained in.
    long_range
        None: no charges.
    config
        Of the run.
    species
        Elements, in the order of the species index.
    samples
        A few small training frames, their labels zero.
    file
        The checkpoint.
    charge_states
        Total charge, e, and number of atoms of the kinds of training frames; empty for a network that is not conditioned on them.
    origin
        Plain values about the model that the run started from; empty for a run that started at random.
    backbone
        Of the network; None for the networks of pair_les.
    """

    network: ContractNet
    long_range: LongRange | None
    config: Config
    species: list[str]
    samples: list[Frame]
    file: str
    charge_states: tuple[tuple[float, int], ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)
    backbone: Backbone | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the network."""
        return DTYPES[self.config.training.precision]


def load_trained(path: str | os.PathLike[str]) -> TrainedModel:
    """The best weights of a run folder, or those of a checkpoint file.

    Raises
    ------
    RunError
        If there is no such file, or it is no checkpoint of pair_les.
    """
    path = find_checkpoint(path)
    state = read_checkpoint(path)
    try:
        return _trained_model(state, path)
    except UserError:
        raise
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise RunError(
            f"{path}: the checkpoint does not fit this version of pair_les ({type(error).__name__}: {reason}): "
            "train again, or use the version that wrote the checkpoint"
        ) from error


def _trained_model(state: dict[str, Any], path: Path) -> TrainedModel:
    saved = state["pair_les"]
    config = parse_config(saved["config"], os.fspath(path))
    backbone = saved_backbone(config, saved)
    network = new_network(
        config.model,
        saved["species"],
        config.training.precision,
        saved["reference_energies"],
        backbone=backbone,
    )
    prefix = "network."
    weights = {
        key.removeprefix(prefix): value
        for key, value in state["state_dict"].items()
        if key.startswith(prefix)
    }
    network.load_state_dict(weights)
    network.requires_grad_(False)
    long_range = config.model.long_range
    return TrainedModel(
        network=network.eval(),
        long_range=None if long_range is None else long_range.settings(),
        config=config,
        species=saved["species"],
        samples=[_sample(sample, index) for index, sample in enumerate(saved["samples"])],
        file=os.fspath(path),
        charge_states=tuple((charge, n_atoms) for charge, n_atoms in saved.get("charge_states", ())),
        origin=saved.get("origin", {}),
        backbone=backbone,
    )


def saved_backbone(config: Config, saved: Mapping[str, Any]) -> Backbone | None:
    """The backbone in the description of a checkpoint; None for the networks of pair_les."""
    if saved.get("backbone") is None:
        return None
    model = config.model
    assert model.backbone is not None
    return restore_backbone(saved["backbone"], model.backbone, model.cutoff, model.options)


def choose_samples(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """A few small frames that together have every element and both kinds of boundaries."""
    by_size = sorted(frames, key=len)
    chosen = by_size[:1]
    seen = {*chosen[0].symbols, (chosen[0].periodic, chosen[0].slab)}
    for frame in by_size[1:]:
        new = {*frame.symbols, (frame.periodic, frame.slab)} - seen
        if new or len(chosen) < N_SAMPLES:
            chosen.append(frame)
            seen |= new
    return [
        {
            "symbols": list(frame.symbols),
            "positions": torch.from_numpy(frame.positions),
            "cell": torch.from_numpy(frame.cell),
            "periodic": frame.periodic,
            "slab": frame.slab,
        }
        for frame in chosen
    ]


def _sample(sample: dict[str, Any], index: int) -> Frame:
    positions = sample["positions"].numpy()
    return Frame(
        symbols=tuple(sample["symbols"]),
        positions=positions,
        cell=sample["cell"].numpy(),
        periodic=sample["periodic"],
        slab=sample.get("slab", False),
        energy=0.0,
        forces=np.zeros_like(positions),
        stress=None,
        file="samples of the checkpoint",
        index=index,
    )
