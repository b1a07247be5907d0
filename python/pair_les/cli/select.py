# SPDX-License-Identifier: MIT
"""``pair-les select``: options of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pair_les.cli.label_options import FRAMES_HELP, require_folder


def select(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help=f"Frames, labeled or not: {FRAMES_HELP}")
    ],
    model: Annotated[
        Path, typer.Option("--model", "-m", metavar="MODEL.pt", help="Model file with uncertainties.")
    ],
    number: Annotated[int, typer.Option("--number", "-n", metavar="N", help="Frames to choose.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.xyz", help="Write them there (extxyz).")
    ] = Path("selected.xyz"),
) -> None:
    """Choose the frames that a model would learn most from, to label them by new reference calculations.

    A frame like the training data, or like one that is chosen already, is left for later.

    Example: pair-les select beyond.xyz 'md/*.xyz@::10' -m model.pt -n 20 -o to_label.xyz
    """
    import io

    from ase.io import write

    from pair_les.data.files.sources import Source, find_files
    from pair_les.evaluation.selection import select_frames
    from pair_les.model_file.archive import load_model
    from pair_les.output_files import write_file

    require_folder(output)
    module, metadata = load_model(model)
    parts = [part for file in files for part in find_files(Source.of(file))]
    found = [(part.path, index, atoms) for part in parts for index, atoms in part.read()]
    chosen = select_frames(module, metadata, [atoms for _, _, atoms in found], number, file=model)
    frames = []
    for place, gain in chosen:
        file, index, atoms = found[place]
        print(f"{file}, frame {index}: gain {gain:.3g} per atom")
        frames.append(atoms)
    text = io.StringIO()
    write(text, frames, format="extxyz")
    write_file(output, text.getvalue())
    print(f"done: {len(frames)} of {len(found)} frames in {output}")
