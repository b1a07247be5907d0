# SPDX-License-Identifier: MIT
"""Survey of the labels of a data set: those that are used, those that are not, and those that look like a missing one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ase import Atoms

from .labels import find_label, numeric_labels, similar_labels


@dataclass
class LabelSurvey:
    """Counts of labels over frames, filled frame by frame.

    Parameters
    ----------
    keys
        Names of the labels that are read, by kind (energy, forces, stress, virial, total_charge); None: not read.
    n_frames
        Frames seen.
    found
        Frames with each label of `keys`, by kind.
    names
        Frames with each numeric label of any name.
    left
        Frames in which a numeric label of that name is not read.
    similar
        Frames that lack a kind of label but have one of a name that looks like it, by kind and name.
    """

    keys: dict[str, str | None]
    n_frames: int = 0
    found: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    similar: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, atoms: Atoms, keys: Mapping[str, str | None] | None = None) -> None:
        """Count the labels of one frame, whose source may have names of its own."""
        keys = keys or self.keys
        self.n_frames += 1
        present = {kind for kind, key in keys.items() if find_label(atoms, key) is not None}
        names = numeric_labels(atoms)
        self.names.update(names)
        self.left.update(set(names) - {keys[kind] for kind in present})
        self.found.update(present)
        if present & {"stress", "virial"}:
            present |= {"stress", "virial"}  # either is enough
        for kind in self.keys.keys() - present:
            self.similar.setdefault(kind, Counter()).update(similar_labels(atoms, kind))

    def notes(
        self, files: Collection[str], used: Collection[str] = (), unread: Collection[str] = ()
    ) -> list[str]:
        """Lines for the user: labels that look like one that is missing, and all that are not used.

        Parameters
        ----------
        files
            Named in the lines.
        used
            Names of labels that are used beside those of `keys`.
        unread
            Kinds of labels of `keys` that are not used after all.
        """
        where = ", ".join(files)
        known = {*used, *(key for kind, key in self.keys.items() if kind not in unread)}
        lines = []
        for kind, names in self.similar.items():
            for name, count in names.items():
                if name not in known and kind not in unread:
                    lines.append(
                        f"{where}: label '{name}' of {count} frames looks like a {kind.replace('_', ' ')} and is not used: "
                        f"data.keys.{kind}: {name} (or --keys {kind}={name}) if it is one"
                    )
        unused = {name: count for name, count in self.left.items() if name not in used}
        for key in (self.keys[kind] for kind in unread):
            if key is not None and key in self.names:
                unused[key] = self.names[key]
        if unused:
            listed = ", ".join(f"{name} ({count})" for name, count in sorted(unused.items()))
            lines.append(f"{where}: labels that are not used, with the number of frames: {listed}")
        return lines


def absent_labels(
    surveys: Collection[LabelSurvey], defaults: Mapping[str, str | None], files: Collection[str]
) -> list[str]:
    """Lines about labels whose name was chosen (it is not the default) and that no frame has."""
    lines = []
    for kind, default in defaults.items():
        for key in dict.fromkeys(survey.keys[kind] for survey in surveys):
            if key is None or key == default or any(survey.found[kind] for survey in surveys):
                continue
            names = sorted({name for survey in surveys for name in survey.names})
            lines.append(
                f"warning: {', '.join(files)}: no frame has a {kind.replace('_', ' ')} label '{key}' (there are: "
                f"{', '.join(names) or 'none'}): correct data.keys.{kind} (or --keys {kind}=NAME)"
            )
    return lines
