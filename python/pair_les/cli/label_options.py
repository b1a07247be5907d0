# SPDX-License-Identifier: MIT
"""Options of commands with labeled frames, and their values."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pair_les.data.frames import LabelKeys
    from pair_les.data.response_labels import ResponseKeys


class MissingLabels(str, Enum):
    """Whether a frame may lack its energy or its forces."""

    error = "error"
    allow = "allow"


FRAMES_HELP = "files, patterns ('md/*.xyz'), slices (a.xyz@:20), folders of DeePMD-kit."
"""What the arguments of commands with labeled frames may be."""

KeysOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keys",
        metavar="LABEL=NAME",
        help="Name of a label in the data (stress=null: not read); may be repeated.",
    ),
]

MissingLabelsOption = Annotated[
    MissingLabels, typer.Option(help="Whether frames without energy or without forces are accepted.")
]

JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="OUT.json", help="Write the numbers there as well ('-': only JSON)."),
]


def label_keys(pairs: list[str]) -> tuple[LabelKeys, ResponseKeys]:
    """Names of labels from ``LABEL=NAME`` pairs; raise `UserError` for others."""
    from pair_les.data.frames import LabelKeys
    from pair_les.data.response_labels import ResponseKeys
    from pair_les.errors import UserError

    known = (*LabelKeys.__dataclass_fields__, *ResponseKeys.__dataclass_fields__)
    found: dict[str, Any] = {}
    for pair in (part for text in pairs for part in text.split(",")):
        label, separator, name = pair.partition("=")
        if not separator or not name or label not in known:
            raise UserError(
                f"--keys {pair}: must be LABEL=NAME with LABEL one of {', '.join(known)}, "
                "for example forces=force"
            )
        found[label] = None if name == "null" and label in ("stress", "virial") else name
    own = {label: name for label, name in found.items() if label in LabelKeys.__dataclass_fields__}
    rest = {label: name for label, name in found.items() if label not in own}
    return LabelKeys(**own), ResponseKeys(**rest)


def parse_fractions(text: str) -> list[float]:
    """Numbers between commas; raise `UserError` for others."""
    from pair_les.errors import UserError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(
            f"--learning-curve {text}: must be numbers between commas, for example 0.1,0.3,1"
        ) from error


def require_folder(file: Path | None) -> None:
    """Raise `UserError` unless the folder of an output file exists, before the work rather than after it."""
    from pair_les.errors import UserError

    if file is not None and not file.parent.is_dir():
        raise UserError(f"{file}: folder '{file.parent}' does not exist: create it or give another path")
