# SPDX-License-Identifier: MIT
"""The two formats of a model file and the names of their files."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError

FORMATS = ("torchscript", "pt2")


def require_format(output: Path, file_format: str, instruction_set: str | None) -> None:
    """Raise `RunError` where name, format and instruction set of the file do not go together, before the work."""
    if file_format not in FORMATS:
        raise RunError(f"--format {file_format}: must be {' or '.join(FORMATS)}")
    if (output.suffix == ".pt2") != (file_format == "pt2"):
        other = "pt2" if output.suffix == ".pt2" else "torchscript"
        raise RunError(
            f"{output}: a file of --format {file_format} must {'' if file_format == 'pt2' else 'not '}end with .pt2: "
            f"rename it, or use --format {other}"
        )
    if file_format != "pt2" and instruction_set is not None:
        raise RunError(f"--isa {instruction_set}: only --format pt2 has an instruction set: leave it out")
