# SPDX-License-Identifier: MIT
"""Sources of frames: a file, a pattern of files or a folder, with a slice of the frames of each file."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ase import Atoms
from ase.calculators.calculator import BaseCalculator

from ...errors import DataError
from .names import frame_name
from .reading import read_atoms

_SLICE = re.compile(r"(?P<path>.+)@(?P<slice>-?\d+|(?:-?\d*):(?:-?\d*)(?::-?\d*)?)")
_WILDCARDS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Source:
    """Frames of one entry of ``data.train``, or of one argument of a command.

    Parameters
    ----------
    path
        ``file``, ``folder``, or a pattern such as ``md/*.xyz``, with the slice ``@START:STOP:STEP`` of the frames of each file
        in Python's notation, or ``@N`` for one of them.
    weight
        Factor on the weight of each frame.
    keys
        Names of labels, by kind, that differ from those of the other sources.
    """

    path: str
    weight: float = 1.0
    keys: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str | os.PathLike[str] | Source) -> Source:
        """The source itself, or that of a path."""
        return source if isinstance(source, Source) else cls(os.fspath(source))


@dataclass(frozen=True)
class FrameList(Source):
    """Frames in memory, whose labels are those of their calculators, info and arrays.

    Parameters
    ----------
    path
        How errors name the list.
    atoms
        The frames.
    """

    path: str = "frames"
    atoms: Sequence[Atoms] = ()

    def read(self) -> Iterator[tuple[int, Atoms]]:
        """Index and atoms of each frame.

        Raises
        ------
        DataError
            If there are no frames, something else is among them, or atoms have moved since their labels were computed.
        """
        if not len(self.atoms):
            raise DataError(f"{self.path}: the list is empty: give at least one frame (ase.Atoms)")
        for index, atoms in enumerate(self.atoms):
            if not isinstance(atoms, Atoms):
                raise DataError(
                    f"{frame_name(self.path, index)}: is of type {type(atoms).__name__}, must be ase.Atoms"
                )
            changed = atoms.calc.check_state(atoms) if isinstance(atoms.calc, BaseCalculator) else []
            if changed and atoms.calc.results:
                raise DataError(
                    f"{frame_name(self.path, index)}: {' and '.join(changed)} have changed since its calculator computed the "
                    "labels: compute them again, or keep them with the frame (ase.calculators.singlepoint.SinglePointCalculator)"
                )
            yield index, atoms


@dataclass(frozen=True)
class FrameFile:
    """A file or folder, and the slice of its frames that is read; None: all."""

    path: str
    chosen: slice | None = None

    def read(self) -> Iterator[tuple[int, Atoms]]:
        """Index within the file and atoms of each chosen frame.

        Raises
        ------
        DataError
            If the file cannot be read, or the slice chooses no frame.
        """
        chosen = self.chosen
        if chosen is None:
            yield from read_atoms(self.path)
            return
        if any(bound is not None and bound < 0 for bound in (chosen.start, chosen.stop, chosen.step)):
            frames = list(read_atoms(self.path))
            yield from frames[chosen]
            n_read, n_chosen = len(frames), len(frames[chosen])
        else:
            start, stop, step = chosen.start or 0, chosen.stop, chosen.step or 1
            n_read, n_chosen = 0, 0
            for index, atoms in read_atoms(self.path):
                if stop is not None and index >= stop:
                    break
                n_read += 1
                if index >= start and (index - start) % step == 0:
                    n_chosen += 1
                    yield index, atoms
        if n_chosen == 0:
            raise DataError(
                f"{self.path}: the slice @{_slice_text(chosen)} chooses none of the {n_read} frames: correct it, "
                "for example @:100 for the first 100 frames, @::10 for every tenth"
            )


def find_files(source: Source) -> Sequence[FrameFile | FrameList]:
    """The files of a source, those of a pattern in alphabetical order; frames in memory are as one file.

    Raises
    ------
    DataError
        If no file fits a pattern, or a slice has step 0. A missing file is reported when it is read.
    """
    if isinstance(source, FrameList):
        return [source]
    path, chosen = split_slice(source.path)
    if Path(path).exists() or not _WILDCARDS.search(path):
        return [FrameFile(path, chosen)]
    found = sorted(glob.glob(path, recursive=True))
    if not found:
        raise DataError(
            f"{path}: no file fits this pattern: check it (relative paths start at the current folder)"
        )
    return [FrameFile(file, chosen) for file in found]


def split_slice(text: str) -> tuple[str, slice | None]:
    """Path or pattern, and slice of the text of a source; a file of exactly this name has no slice."""
    match = _SLICE.fullmatch(text)
    if match is None or Path(text).exists():
        return text, None
    bounds = [int(bound) if bound else None for bound in match["slice"].split(":")]
    if len(bounds) == 1:
        (number,) = bounds
        assert number is not None  # by the pattern
        return match["path"], slice(number, number + 1 or None)
    if len(bounds) == 3 and bounds[2] == 0:
        raise DataError(f"{text}: the step of a slice must not be 0: write for example @::10")
    return match["path"], slice(*bounds)


def _slice_text(chosen: slice) -> str:
    start, stop, step = (
        "" if bound is None else str(bound) for bound in (chosen.start, chosen.stop, chosen.step)
    )
    return f"{start}:{stop}" + (f":{step}" if step else "")
