# SPDX-License-Identifier: MIT
"""Charge states of the training frames, for a network that is conditioned on them (`model.charge_state`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.frames import Frame
from ..data.graphs import Graph
from ..errors import ConfigError
from ..model_file.charge_state import TOLERANCE


def states_of(graphs: Sequence[Graph]) -> list[tuple[float, int]]:
    """Total charge, e, and number of atoms of every kind of frame, each once, in ascending order."""
    return sorted({(float(graph.known_charge_labels().total_charge), graph.n_atoms) for graph in graphs})


def require_states(
    train: Sequence[Graph], valid: Sequence[Graph], valid_frames: Sequence[Frame], key: str
) -> None:
    """Raise `ConfigError` unless the training frames differ in charge per atom and enclose the validation frames.

    Parameters
    ----------
    train, valid
        With charge labels.
    valid_frames
        Those of `valid`, named in errors.
    key
        Name of the label of the total charge.
    """
    known = [charge / n_atoms for charge, n_atoms in states_of(train)]
    low, high = min(known), max(known)
    if high - low < TOLERANCE:
        raise ConfigError(
            f"model.charge_state: all training frames have {low:g} e per atom (label '{key}'), so that there is no state to "
            "learn: name the label with data.keys.total_charge, or leave the key out"
        )
    for graph, frame in zip(valid, valid_frames, strict=True):
        state = float(graph.known_charge_labels().total_charge) / graph.n_atoms
        if not low - TOLERANCE <= state <= high + TOLERANCE:
            raise ConfigError(
                f"{frame.where}: {state:.4g} e per atom is beyond the training frames ({low:.4g} to {high:.4g} e), which "
                "model.charge_state learns from: add such frames to data.train"
            )
