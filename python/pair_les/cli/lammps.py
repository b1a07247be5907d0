# SPDX-License-Identifier: MIT
"""``pair-les lammps``: options of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def lammps(
    structure: Annotated[Path, typer.Argument(metavar="FRAME", help="Structure in any format of ASE.")],
    model: Annotated[Path, typer.Option("--model", "-m", metavar="MODEL.pt", help="Model file of the run.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files are written.")
    ],
    frame: Annotated[
        int, typer.Option(help="Frame of the file, counted from 0; negative: from the end.")
    ] = -1,
) -> None:
    """Write a LAMMPS data file and an input that runs as it is, from any structure.

    The folder gets structure.data, in.lammps and a copy of the model. Periodic structures, slabs and clusters have their own
    boundary and kspace lines; the atom types are the elements of the structure in the order of the species of the model.

    Example: pair-les lammps POSCAR -m model.pt -o run
    """
    from pair_les.lammps.write_input import write_input

    files = write_input(structure, model, output, frame)
    types = ", ".join(f"{number} {symbol}" for number, symbol in enumerate(files.elements, start=1))
    print(f"{files.data}: types {types}")
    print(f"{files.script}    next: cd {output} && mpirun -n 2 lmp -in {files.script.name}")
