# SPDX-License-Identifier: MIT
"""``pair-les evaluate``: an exported model against labelled frames."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from .accuracy import Comparison, compare
from .contract import load_model
from .data.frames import LabelKeys, read_frames
from .data.graphs import build_graphs
from .errors import RunError
from .potential import Network

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def evaluate(
    model: str | os.PathLike[str],
    data: Sequence[str | os.PathLike[str]],
    keys: LabelKeys | None = None,
    device: str = "cpu",
) -> Comparison:
    """Predict every frame of the data files with a model file, its long-range energy included.

    Parameters
    ----------
    model
        Model file.
    data
        Labelled frames in any format of ASE.
    keys
        Names of the labels.
    device
        Where the network runs.

    Raises
    ------
    ContractError
        If the model file is not what the contract says.
    DataError
        With file and frame number, if a frame cannot be used or has an element that the model does not know.
    RunError
        If the network itself fails.
    """
    module, metadata = load_model(model, device)
    graphs = build_graphs(read_frames(data, keys), metadata.species, metadata.cutoff)
    network = model_network(module, metadata.long_range is not None)
    try:
        return compare(network, metadata.long_range, graphs, _DTYPES[metadata.dtype], device)
    except (RuntimeError, KeyError) as error:  # whatever a foreign network may raise
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise RunError(
            f"{os.fspath(model)}: the network failed: {reason}: check it with 'pair-les inspect'"
        ) from error


def model_network(module: torch.jit.ScriptModule, charges: bool) -> Network:
    """The network of a model file, as `predict` takes it."""

    def network(
        species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> tuple[Tensor, Tensor]:
        output = module(species, edge_index, edge_vectors, n_local)
        return output["energy"], output["charge"] if charges else output["energy"][:0]

    return network
