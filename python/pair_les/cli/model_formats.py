# SPDX-License-Identifier: MIT
"""Choices of the commands that write model files."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class ModelFormat(str, Enum):
    """Format of an exported model."""

    torchscript = "torchscript"
    pt2 = "pt2"


class InstructionSet(str, Enum):
    """Instruction set that a pt2 is compiled for."""

    baseline = "baseline"
    avx2 = "avx2"
    avx512 = "avx512"


FormatOption = Annotated[
    ModelFormat,
    typer.Option("--format", help="pt2: compiled here by a C++ compiler, for this torch and --isa."),
]

InstructionSetOption = Annotated[
    InstructionSet | None,
    typer.Option(help="Instruction set of a pt2, which all machines of the run need. [default: of this one]"),
]
