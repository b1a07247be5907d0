# SPDX-License-Identifier: MIT
"""``pair-les example``: folders with data, configuration, model and LAMMPS input that come with the package."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Example(str, Enum):
    """Examples that come with the package, by the names of their folders."""

    water = "water"


def example(
    name: Annotated[Example, typer.Argument(metavar="NAME", help="Name of the example: water.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="New or empty folder. [default: NAME]"),
    ] = None,
) -> None:
    """Write a folder for first steps: labeled frames, a configuration, a model, and a LAMMPS input.

    README.md in the folder has the commands, from training to a run; the frames are synthetic.

    Example: pair-les example water && cd water && pair-les train config.yaml
    """
    import shutil

    import pair_les
    from pair_les.errors import UserError

    source = Path(pair_les.__file__).parent / "examples" / name.value
    target = Path(name.value) if output is None else output
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(
            f"--output {target}: exists and is not empty: give a new folder with -o, or remove it"
        )
    shutil.copytree(source, target, dirs_exist_ok=True)
    for file in sorted(target.iterdir()):
        print(file)
    print(f"next: cd {target} && pair-les train config.yaml    (README.md has all commands)")
