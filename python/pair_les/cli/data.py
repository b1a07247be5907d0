# SPDX-License-Identifier: MIT
"""``pair-les data``: options of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pair_les.cli.exit_codes import EXIT_DISAGREEMENT
from pair_les.cli.label_options import (
    FRAMES_HELP,
    JsonOption,
    KeysOption,
    MissingLabels,
    MissingLabelsOption,
    label_keys,
    require_folder,
)


def data(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help=f"Frames: {FRAMES_HELP}",
        ),
    ],
    keys: KeysOption = None,
    missing_labels: MissingLabelsOption = MissingLabels.error,
    json_file: JsonOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Write figures and summary.json there."),
    ] = None,
) -> None:
    """Describe labeled frames, and say what pair-les train would refuse and why.

    Frames, elements, compositions, cells, labels, energies, forces, shortest distances, the frames with extreme values, and frames
    that occur twice. All problems are listed, each kind on one line with file, frame and what to do. Exits with status 1 where
    training would refuse the data.

    Example: pair-les data train.xyz 'md/*.xyz@::10' -o report
    """
    from pair_les.data.report.summary import describe_data
    from pair_les.data.report.text import report_lines
    from pair_les.output_files import json_text, write_file

    labels, _ = label_keys(keys or [])
    require_folder(json_file)
    report = describe_data(files, labels, missing_labels is MissingLabels.allow)
    text = json_text(report.numbers, indent=2)
    if str(json_file) == "-":
        print(text)
    else:
        print("\n".join(report_lines(report)))
        if json_file is not None:
            write_file(json_file, text + "\n")
    if output is not None:
        from pair_les.data.report.figures import write_figures

        output.mkdir(parents=True, exist_ok=True)
        write_file(output / "summary.json", text + "\n")
        write_figures(report, output)
    if report.problems.refused:
        raise typer.Exit(EXIT_DISAGREEMENT)
