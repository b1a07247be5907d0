# SPDX-License-Identifier: MIT
"""All problems of a data set: one line for each kind, with the first frame and the number of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...errors import DataError
from ..duplicates import repetition_findings
from ..frames import DataSet, LabelKeys
from ..graphs import Graph, build_graphs, find_elements
from ..isolated_atoms import isolated_energies
from ..label_checks import check_labels
from ..label_survey import absent_labels
from ..unexpected_labels import free_energy_findings

PAIR_CUTOFF = 4.0
"""angstrom, up to which distances of atoms are looked at."""

_LISTED = 5
_FRAME = re.compile(r"^(?P<file>.*), frame (?P<index>\d+) \(counted from 0\): ")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|nan|inf)")


@dataclass
class Problems:
    """Lines for the user: ``refused``, what `pair-les train` ends with; ``warnings``, what it says and goes on."""

    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def join_problems(errors: Iterable[DataError]) -> list[str]:
    """One line for each kind of error and file: the first of them, and the indices of the other frames."""
    groups: dict[tuple[str, str], list[str]] = {}
    for error in errors:
        text = " ".join(str(error).split())
        match = _FRAME.match(text)
        kind = (match["file"], _NUMBER.sub("#", text[match.end() :])) if match else ("", text)
        groups.setdefault(kind, []).append(text)
    lines = []
    for texts in groups.values():
        others = [match["index"] for text in texts[1:] if (match := _FRAME.match(text))]
        more = f" (also {len(others)} more frames: {', '.join(others[:_LISTED])}" if others else ""
        lines.append(texts[0] + more + ((", ...)" if len(others) > _LISTED else ")") if others else ""))
    return lines


def find_problems(
    data: DataSet, errors: Sequence[DataError], keys: LabelKeys
) -> tuple[Problems, dict[int, Graph]]:
    """Problems of the frames that were read and of those that were not.

    Parameters
    ----------
    data, errors
        Of `read_data` with ``refuse``.
    keys
        Names of the labels.

    Returns
    -------
    The problems, and the neighbor lists within `PAIR_CUTOFF` by place in ``data.frames``, without frames whose atoms coincide.
    """
    errors = list(errors)
    graphs: dict[int, Graph] = {}
    species = find_elements(data.frames)
    for place, frame in enumerate(data.frames):
        try:
            (graphs[place],) = build_graphs([frame], species, PAIR_CUTOFF)
        except DataError as error:
            errors.append(error)
    try:
        isolated_energies(data.isolated_atoms)
    except DataError as error:
        errors.append(error)
    problems = Problems(join_problems(errors))
    if not data.frames and not problems.refused:
        problems.refused.append(
            f"{', '.join(data.files)}: there are isolated atoms only: give frames with forces"
        )
    findings = check_labels(data.frames)
    findings += repetition_findings(data.frames) + free_energy_findings(data.frames, keys.energy)
    problems.refused += [finding.text for finding in findings if finding.refused]
    problems.warnings += [finding.text for finding in findings if not finding.refused]
    defaults = {kind: getattr(LabelKeys(), kind) for kind in data.survey.keys}
    absent = absent_labels([data.survey], defaults, data.files) if data.frames else []
    problems.warnings += [line.removeprefix("warning: ") for line in absent]
    problems.warnings += data.survey.notes(data.files)
    return problems, graphs
