# SPDX-License-Identifier: MIT
"""``pair-les evaluate``: an exported model against labeled frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

import torch

from ..data.files.sources import Source
from ..data.frames import Frame, LabelKeys, read_data, require_no_slabs
from ..data.graphs import Graph, build_graphs
from ..data.label_survey import absent_labels
from ..data.labeled_graphs import with_charge_labels
from ..errors import DataError
from ..model_file.archive import load_model
from ..model_file.charge_state import require_charge_state
from ..model_file.metadata import Metadata
from .accuracy import Comparison, compare
from .model_network import model_network

Model = str | os.PathLike[str] | tuple[torch.nn.Module, Metadata]
"""A model file, or what `load_model` returned for it."""


def evaluate(
    model: Model,
    data: Iterable[str | os.PathLike[str] | Source],
    keys: LabelKeys | None = None,
    device: str = "cpu",
    *,
    allow_missing: bool = False,
    also_used: Sequence[str] = (),
    say: Callable[[str], None] = lambda note: None,
) -> Comparison:
    """Labels and predictions of every frame of the data files; see `evaluate_frames`."""
    return evaluate_frames(
        model, data, keys, device, allow_missing=allow_missing, also_used=also_used, say=say
    )[0]


def evaluate_frames(
    model: Model,
    data: Iterable[str | os.PathLike[str] | Source],
    keys: LabelKeys | None = None,
    device: str = "cpu",
    *,
    allow_missing: bool = False,
    also_used: Sequence[str] = (),
    say: Callable[[str], None] = lambda note: None,
    file: str | os.PathLike[str] = "model",
) -> tuple[Comparison, list[Frame]]:
    """Predict every frame of the data files with a model file, its long-range energy included.

    Parameters
    ----------
    model
        Model file, or what `load_model` returned for it.
    data
        Labeled frames in any format of ASE; patterns and slices as in ``data.train``; or frames in memory (`FrameList`).
    keys
        Names of the labels.
    device
        Where the network runs.
    allow_missing
        Whether a frame may have an energy without forces, or forces without an energy.
    also_used
        Names of labels that the caller uses, which are then not reported as unused.
    say
        Takes lines for the user: labels that are not used, isolated atoms that are left out.
    file
        Names a loaded model in errors.

    Raises
    ------
    ContractError
        If the model file, or what its network returns, is not what the contract says.
    DataError
        With file and frame number, if a frame cannot be used, has an element that the model does not know, or another charge state.
    """
    if isinstance(model, tuple):
        module, metadata = model
    else:
        (module, metadata), file = load_model(model, device), model
    keys = keys or LabelKeys()
    found = read_data(data, keys, allow_missing=allow_missing)
    frames = found.frames
    if not frames:
        raise DataError(
            f"{', '.join(found.files)}: there are isolated atoms only, whose energies are reference energies: give frames with forces"
        )
    absent = absent_labels([found.survey], asdict(LabelKeys()), found.files)
    for note in (*absent, *found.survey.notes(found.files, also_used)):
        say(note)
    if found.isolated_atoms:
        say(
            f"{', '.join(found.files)}: {len(found.isolated_atoms)} isolated atoms are left out: their energies are reference energies"
        )
    graphs = model_graphs(frames, metadata, keys, file)
    network = model_network(module, metadata, file)
    return compare(network, metadata.long_range, graphs, getattr(torch, metadata.dtype), device), frames


def model_graphs(
    frames: Sequence[Frame], metadata: Metadata, keys: LabelKeys, file: str | os.PathLike[str]
) -> list[Graph]:
    """Graphs of labeled frames for a model, with the charges of frames where the model needs them.

    Raises
    ------
    DataError
        See `evaluate_frames`.
    """
    graphs = build_graphs(frames, metadata.species, metadata.cutoff, dict(metadata.reference_energies))
    if metadata.long_range is not None and metadata.long_range.equilibrates:
        require_no_slabs(frames)
    projected = metadata.long_range is not None and metadata.long_range.neutralize
    if projected or metadata.charge_per_atom is not None:
        graphs = with_charge_labels(frames, graphs, keys.total_charge, dipole=None, bec=None)
        for frame, graph in zip(frames, graphs, strict=True):
            label = float(graph.known_charge_labels().total_charge)
            require_charge_state(metadata, graph.n_atoms, label, frame.where, os.fspath(file))
    return graphs
