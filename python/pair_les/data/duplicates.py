# SPDX-License-Identifier: MIT
"""Frames that occur twice: the same atoms in the same places, within one set or in training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .findings import Finding
from .frames import Frame

_DECIMALS = 4
"""Of positions and cells in angstrom, to which two frames must agree; steps of molecular dynamics differ by more."""

_SAME_ENERGY, _SAME_FORCE = 1e-3, 1e-2
"""eV/atom and eV/angstrom, within which two labels of the same atoms are the same."""

_LISTED = 3


@dataclass(frozen=True)
class Duplicate:
    """A frame, and the first one that has the same atoms in the same places."""

    frame: Frame
    first: Frame

    def contradiction(self) -> str:
        """What differs between their labels; empty where nothing does."""
        energy = abs(self.frame.energy - self.first.energy) / len(self.frame)
        if energy > _SAME_ENERGY:  # not of NaN
            return f"energies that differ by {energy:.3g} eV/atom"
        force = float(np.abs(self.frame.forces - self.first.forces).max())
        return f"forces that differ by {force:.3g} eV/A" if force > _SAME_FORCE else ""


def find_duplicates(frames: Sequence[Frame], others: Sequence[Frame] = ()) -> list[Duplicate]:
    """Frames that repeat an earlier one; with `others`, those that repeat one of them."""
    first: dict[bytes, Frame] = {}
    for frame in others:
        first.setdefault(_fingerprint(frame), frame)
    found = []
    for frame in frames:
        key = _fingerprint(frame)
        if key in first:
            found.append(Duplicate(frame, first[key]))
        elif not others:
            first[key] = frame
    return found


def _fingerprint(frame: Frame) -> bytes:
    numbers = np.round(np.vstack([frame.cell, frame.positions]), _DECIMALS) + 0.0  # no -0.0
    return repr((frame.symbols, frame.periodic, frame.slab)).encode() + numbers.tobytes()


def repetition_findings(frames: Sequence[Frame]) -> list[Finding]:
    """A line about frames of one set that repeat others, and one about those whose labels contradict each other."""
    duplicates = find_duplicates(frames)
    findings = []
    different = [duplicate for duplicate in duplicates if duplicate.contradiction()]
    if different:
        findings.append(
            Finding(
                f"{different[0].frame.where}: the same atoms as {different[0].first.where} and {different[0].contradiction()}"
                f"{_more(different)}: remove the wrong one",
                False,
            )
        )
    if len(duplicates) > len(different):
        same = [duplicate for duplicate in duplicates if not duplicate.contradiction()]
        findings.append(
            Finding(
                f"{same[0].frame.where}: the same atoms as {same[0].first.where}{_more(same)}: each counts as often as it occurs",
                False,
            )
        )
    return findings


def leakage_findings(train: Sequence[Frame], valid: Sequence[Frame], chosen_by_seed: bool) -> list[Finding]:
    """A line about validation frames that are training frames.

    Parameters
    ----------
    train, valid
        The two sides.
    chosen_by_seed
        Whether the validation frames are a fraction of one set.
    """
    shared = find_duplicates(valid, train)
    if not shared or not train:
        return []
    cure = (
        "remove the repeated frames"
        if chosen_by_seed
        else "give others in data.valid, or a fraction such as data.valid: 0.1"
    )
    return [
        Finding(
            f"{len(shared)} of {len(valid)} validation frames are training frames ({shared[0].frame.where}, is "
            f"{shared[0].first.where}), so that validation errors are too small: {cure}",
            False,
        )
    ]


def _more(duplicates: Sequence[Duplicate]) -> str:
    rest = duplicates[1:]
    if not rest:
        return ""
    listed = ", ".join(str(duplicate.frame.index) for duplicate in rest[:_LISTED])
    return f" (and {len(rest)} more frames: {listed}{', ...' if len(rest) > _LISTED else ''})"
