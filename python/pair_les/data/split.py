# SPDX-License-Identifier: MIT
"""The seeded split of frames into training and validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import DataError
from .frames import Frame


def split_frames(frames: list[Frame], fraction: float, seed: int) -> tuple[list[Frame], list[Frame]]:
    """Training and validation frames, each in the order of `frames`.

    Parameters
    ----------
    frames
        At least 2.
    fraction
        Of validation frames, between 0 and 1; at least one frame goes to either side.
    seed
        The same seed and the same frames give the same split.

    Raises
    ------
    DataError
        With fewer than 2 frames.
    """
    if len(frames) < 2:
        raise DataError(
            f"{frames[0].file if frames else 'data.train'}: {len(frames)} frame(s) cannot be split into "
            "training and validation: give more frames, or validation files in data.valid"
        )
    n_valid = min(max(round(fraction * len(frames)), 1), len(frames) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(frames))[:n_valid].tolist())
    train = [frame for index, frame in enumerate(frames) if index not in chosen]
    valid = [frame for index, frame in enumerate(frames) if index in chosen]
    return train, valid


def choose_fraction(frames: Sequence[Frame], fraction: float, seed: int) -> list[Frame]:
    """At least one frame, chosen by the seed, in the order of `frames`; those of a smaller fraction are among those of a larger one."""
    order = np.random.default_rng(seed).permutation(len(frames))
    n_chosen = max(round(fraction * len(frames)), min(len(frames), 1))
    return [frames[place] for place in sorted(order[:n_chosen])]
