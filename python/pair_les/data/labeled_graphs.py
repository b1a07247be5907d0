# SPDX-License-Identifier: MIT
"""Graphs with labels of charges beside energies and forces: charges of frames and fragments, dipoles, Born effective charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import DataError
from .charge_labels import ChargeLabels
from .fragments import read_fragments, require_total_charge
from .frames import Frame
from .graphs import Graph
from .labels import find_label
from .response_labels import ResponseKeys, ResponseLabels, response_labels


def with_charge_labels(
    frames: Sequence[Frame],
    graphs: Sequence[Graph],
    total_charge: str,
    dipole: str | None,
    bec: str | None,
    displacement_first: bool = True,
    fragment: str | None = None,
    fragment_charge: str = "fragment_charge",
    fixed_sum: bool = False,
) -> list[Graph]:
    """Add the charge labels of frames to their graphs.

    Parameters
    ----------
    frames, graphs
        One of each per configuration.
    total_charge
        Name of the total charge (e); frames without it are neutral.
    dipole, bec
        Names of dipoles and Born effective charges; None: not needed.
    displacement_first
        See `read_response_labels`.
    fragment, fragment_charge
        Names of the numbers of fragments (None: not needed) and of their charges (e), each an array over atoms; fragments
        without a charge are neutral.
    fixed_sum
        Whether model or loss hold the charges of a frame to its total charge, so that its fragments must add up to it.

    Raises
    ------
    DataError
        If no frame has a label that is needed, or one has the wrong shape or contradicts itself.
    """
    keys = ResponseKeys(dipole=dipole, bec=bec)
    files = dict.fromkeys(frame.file for frame in frames)
    chosen = []
    for frame in frames:
        assert frame.atoms is not None  # of every frame that was read from a file
        chosen.append(response_labels(frame.atoms, keys, displacement_first, frame.where))
    for name, key, weight in (
        ("dipole", dipole, "dipole"),
        ("bec", bec, "bec"),
        ("fragment", fragment, "fragments"),
    ):
        if key is not None and all(find_label(labels.atoms, key) is None for labels in chosen):
            raise DataError(
                f"{', '.join(files)}: no frame has a {name} label '{key}', which training.charge_loss.{weight} needs: "
                f"name it with data.keys.{name}, or set the weight to 0"
            )
    labeled = []
    for frame, graph, labels in zip(frames, graphs, chosen, strict=True):
        fragments = read_fragments(labels.atoms, fragment, fragment_charge, frame.where)
        tensors = _tensors(labels, total_charge, fragments, frame.where)
        if fixed_sum and fragment is not None:
            total = float(tensors.total_charge)
            require_total_charge(fragments, total, fragment_charge, total_charge, frame.where)
        labeled.append(replace(graph, charge_labels=tensors))
    return labeled


def _tensors(
    labels: ResponseLabels, key: str, fragments: tuple[NDArray[np.int64], NDArray[np.float64]], where: str
) -> ChargeLabels:
    n_atoms = len(labels.atoms)
    stored = find_label(labels.atoms, key)
    total = np.asarray(0.0 if stored is None else stored, dtype=np.float64)
    if total.size != 1 or not np.isfinite(total).all():
        raise DataError(f"{where}: total charge '{key}' is {stored!r}, must be one number (e)")
    nan = float("nan")
    dipole = torch.full((1, 3), nan, dtype=torch.float64)
    bec = torch.full((n_atoms, 3, 3), nan, dtype=torch.float64)
    return ChargeLabels(
        total_charge=torch.from_numpy(total.reshape(1).copy()),
        dipole=dipole if labels.dipole is None else torch.from_numpy(labels.dipole.reshape(1, 3).copy()),
        bec=bec if labels.bec is None else torch.from_numpy(labels.bec.copy()),
        fragment=torch.from_numpy(fragments[0]),
        fragment_charge=torch.from_numpy(fragments[1]),
    )
