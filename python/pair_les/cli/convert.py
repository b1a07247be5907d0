# SPDX-License-Identifier: MIT
"""``pair-les convert``: options of the command."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pair_les.cli.model_formats import FormatOption, InstructionSetOption, ModelFormat
from pair_les.convert.options import repeat_option


class SourcePrecision(str, Enum):
    """Precision of a converted model."""

    float32 = "float32"
    float64 = "float64"


class ConvertCommand(TyperCommand):
    """A command whose option ``--elements`` takes all symbols up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each further symbol."""
        return super().parse_args(ctx, repeat_option(args, "--elements"))


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Model file of another package.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.pt", help="Model file to write.")],
    package: Annotated[
        str | None,
        typer.Option("--from", metavar="PACKAGE", help="Package of the source. [default: found out]"),
    ] = None,
    elements: Annotated[
        list[str] | None,
        typer.Option("--elements", metavar="SYMBOL...", help="Species of the model file. [default: all]"),
    ] = None,
    head: Annotated[str | None, typer.Option(metavar="NAME", help="Which of several heads.")] = None,
    precision: Annotated[
        SourcePrecision | None, typer.Option(help="Precision of the model file. [default: as the source]")
    ] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Load a whole pickled model, which runs as a program.")
    ] = False,
    file_format: FormatOption = ModelFormat.torchscript,
    isa: InstructionSetOption = None,
) -> None:
    """Convert a model of another package (MACE, MACE-LES, SevenNet, NequIP, Allegro, CACE) to a model file, and compare the two before saying done.

    The package that the model is of must be installed here; 'python -m pair_les.convert' is the same command for an environment
    that has that package and torch only.

    Example: pair-les convert MACE.model -o model.pt --elements H O --trust-pickle
    """
    from pair_les.convert import convert as write

    chosen = None if precision is None else precision.value
    instruction_set = None if isa is None else isa.value

    def say(line: str) -> None:
        print(line, flush=True)

    write(
        source,
        output,
        package,
        elements,
        head,
        chosen,
        trust_pickle,
        say,
        file_format.value,
        instruction_set,
    )
