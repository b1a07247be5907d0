# SPDX-License-Identifier: MIT
"""``python -m pair_les.convert``: the command line without typer, for environments that have another package and torch only."""

from __future__ import annotations

import argparse
import sys

from ..errors import UserError
from ..model_file.metadata import ContractError
from .options import repeat_option


def main(arguments: list[str] | None = None) -> int:
    """Run the command; errors that a user can repair are one line and status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m pair_les.convert", description="Convert a model of another package."
    )
    parser.add_argument("source", metavar="SOURCE", help="model file of MACE, ...")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL.pt", help="model file to write")
    parser.add_argument(
        "--from", dest="package", metavar="PACKAGE", help="package of the source [default: found out]"
    )
    parser.add_argument(
        "--elements",
        action="append",
        metavar="SYMBOL",
        help="species of the model file, for example --elements H O [default: all]",
    )
    parser.add_argument("--head", metavar="NAME", help="which of several heads")
    parser.add_argument("--precision", metavar="float32|float64", help="[default: as the source]")
    parser.add_argument(
        "--trust-pickle", action="store_true", help="load a whole pickled model, which runs as a program"
    )
    parser.add_argument(
        "--format",
        default="torchscript",
        metavar="torchscript|pt2",
        help="pt2: compiled here by a C++ compiler, for this torch [default: torchscript]",
    )
    parser.add_argument(
        "--isa", metavar="baseline|avx2|avx512", help="instruction set of a pt2 [default: of this machine]"
    )
    options = parser.parse_args(repeat_option(sys.argv[1:] if arguments is None else arguments, "--elements"))
    from .conversion import convert

    try:
        convert(
            options.source,
            options.output,
            options.package,
            options.elements,
            options.head,
            options.precision,
            options.trust_pickle,
            lambda line: print(line, flush=True),
            options.format,
            options.isa,
        )
    except (UserError, ContractError, OSError) as error:
        print(f"pair-les: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
