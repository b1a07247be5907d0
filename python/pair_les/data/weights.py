# SPDX-License-Identifier: MIT
"""Weights of frames in the loss: by source, by ``config_type``, and by a label of each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .frames import Frame
from .isolated_atoms import CONFIG_TYPE
from .labels import find_label


def weigh_frames(
    frames: Sequence[Frame], key: str | None, by_config_type: Mapping[str, float], where: str
) -> list[Frame]:
    """Multiply the weight of each frame, which is that of its source, by the other two.

    Parameters
    ----------
    frames
        With the weights of their sources.
    key
        Name of the label of a frame that is its weight, 1 where it is missing; None: not read.
    by_config_type
        Weight of the frames of each ``config_type``; 1 for the others.
    where
        Names the frames in errors about all of them.

    Raises
    ------
    DataError
        A weight that is negative or no number, a ``config_type`` that no frame has, or only frames of weight 0.
    """
    known = {frame.config_type for frame in frames}
    unknown = [name for name in by_config_type if name not in known]
    if unknown:
        names = ", ".join(sorted(known - {""})) or "none"
        raise DataError(
            f"data.config_type_weights names {unknown[0]!r}, which no frame of {where} has (there are: {names}): correct the name"
        )
    weighted = []
    for frame in frames:
        weight = frame.weight * by_config_type.get(frame.config_type, 1.0) * _frame_weight(frame, key)
        weighted.append(replace(frame, weight=weight))
    if weighted and not any(frame.weight > 0.0 for frame in weighted):
        raise DataError(f"{where}: all frames have weight 0: give one of them a weight above 0")
    return weighted


def _frame_weight(frame: Frame, key: str | None) -> float:
    stored = None if frame.atoms is None else find_label(frame.atoms, key)
    if stored is None:
        return 1.0
    try:
        values = np.array(stored, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.full(1, np.nan)
    if values.size != 1 or not np.isfinite(values).all() or values.min() < 0.0:
        raise DataError(
            f"{frame.where}: weight '{key}' is {np.asarray(stored).tolist()!r}, must be one number of at least 0: correct it, or set "
            "data.keys.weight: null to leave it unread"
        )
    return float(values.reshape(-1)[0])


def relative_weights(frames: Sequence[Frame]) -> NDArray[np.float64] | None:
    """Weights of energy, forces and stress of each frame [F, 3], with an average of 1 over all numbers of a kind.

    The loss of all frames together, the weighted sum of squares over the number of labels, is then the weighted mean, in which a
    weight of 2 is the same as the frame written twice; a batch of one frame still feels its weight. None where all weights are
    equal.
    """
    weights = np.array([frame.weight for frame in frames])
    if len(weights) == 0 or (weights == weights[0]).all():
        return None
    counts = np.array(
        [
            [frame.has_energy, 3 * len(frame) * frame.has_forces, 9 * (frame.stress is not None)]
            for frame in frames
        ],
        dtype=np.float64,
    )
    sums = weights @ counts
    average = np.divide(sums, counts.sum(0), out=np.ones(3), where=sums > 0.0)
    return weights[:, None] / average


def describe_weights(name: str, frames: Sequence[Frame], key: str | None) -> list[str]:
    """A line for the user about the weights of training or validation frames, with their ranges by ``config_type``."""
    if relative_weights(frames) is None:
        return []
    ranges: dict[str, list[float]] = {}
    for frame in frames:
        ranges.setdefault(frame.config_type, []).append(frame.weight)
    parts = []
    for kind, weights in sorted(ranges.items()):
        low, high = min(weights), max(weights)
        text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        parts.append(f"{len(weights)} frames{f' of {CONFIG_TYPE} {kind}' if kind else ''} {text}")
    n_labels = sum(frame.atoms is not None and find_label(frame.atoms, key) is not None for frame in frames)
    label = f", with '{key}' of {n_labels} frames" if n_labels else ""
    return [f"weights of {name} frames{label}: {', '.join(parts)}"]
