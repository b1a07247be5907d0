# SPDX-License-Identifier: MIT
"""``pair-les evaluate``: errors of a model file on labeled frames."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pair_les.cli.label_options import (
    FRAMES_HELP,
    JsonOption,
    KeysOption,
    MissingLabels,
    MissingLabelsOption,
    label_keys,
    require_folder,
)
from pair_les.constants import FORMER_SPELLINGS


class BornOrder(str, Enum):
    """Which index of a labeled Born effective charge is the slow one."""

    displacement = "displacement"
    polarization = "polarization"


class EvaluateCommand(TyperCommand):
    """A command that also takes the value of ``--born-order`` as the previous release spelled it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Replace the former spelling before it is compared with the choices."""
        former = {f"--born-order={old}": f"--born-order={new}" for old, new in FORMER_SPELLINGS.items()}
        pairs = zip(["", *args], args, strict=False)
        present = [
            FORMER_SPELLINGS.get(arg, arg) if before == "--born-order" else arg for before, arg in pairs
        ]
        return super().parse_args(ctx, [former.get(arg, arg) for arg in present])


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL.pt", help="Model file, or run folder.")],
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA...",
            help=f"Labeled frames: {FRAMES_HELP}",
        ),
    ],
    keys: KeysOption = None,
    missing_labels: MissingLabelsOption = MissingLabels.error,
    json_file: JsonOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Write a parity plot, forces by element.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.xyz",
            help="Write the frames with predicted_energy, predicted_forces, predicted_stress (extxyz).",
        ),
    ] = None,
    uncertainty_plot: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Draw the calibration curve of a model with uncertainties."),
    ] = None,
    eps: Annotated[
        float, typer.Option(help="Electronic permittivity: physical charges are sqrt(eps) latent ones.")
    ] = 1.0,
    born_order: Annotated[
        BornOrder, typer.Option(help="Slow index of the nine numbers of a labeled Born effective charge.")
    ] = BornOrder.displacement,
) -> None:
    """Errors of a model on labeled frames: energy in meV/atom, forces in meV/A, stress in meV/A^3.

    Energies are compared as they are: a constant offset between two sets of labels counts as an error. Dipoles,
    quadrupoles and Born effective charges (labels dipole, quadrupole, bec) are compared where the data has them,
    atomic charges where --keys charges=NAME names them. Errors are also given by element, by config_type, and for the frames with
    the largest errors. A model with uncertainties is compared with its errors, too.

    Example: pair-les evaluate model.pt test.extxyz --keys forces=force --json errors.json --plot parity.png
    """
    from pair_les.api.model import Model
    from pair_les.evaluation.breakdown import breakdown, breakdown_lines
    from pair_les.evaluation.uncertainty import require_uncertainty
    from pair_les.evaluation.uncertainty_report import report_lines
    from pair_les.output_files import json_text, write_file

    labels, response = label_keys(keys or [])
    for target in (json_file, plot, predictions, uncertainty_plot):
        require_folder(target)
    loaded = Model.load(model)
    if uncertainty_plot is not None:
        require_uncertainty(loaded.metadata, model)
    report = loaded.evaluate(
        data,
        labels,
        response,
        allow_missing=missing_labels is MissingLabels.allow,
        eps=eps,
        displacement_first=born_order is BornOrder.displacement,
        say=lambda note: print(note, file=sys.stderr),
    )
    tables = breakdown(report.comparison, report.frames)
    if report.uncertainty:
        tables["uncertainty"] = report.uncertainty
    text = json_text({**report.errors, **tables}, indent=2)
    if str(json_file) == "-":
        print(text)
    else:
        for name, value in report.errors.items():
            print(f"{name:<20} {value:.4g} {_unit(name)}".rstrip())
        print("\n".join([*breakdown_lines(tables), *report_lines(report.uncertainty)]))
        if json_file is not None:
            write_file(json_file, text + "\n")
    if plot is not None:
        report.plot(plot, f"{model.name}, {report.errors['n_frames']} frames")
    if uncertainty_plot is not None:
        report.plot_uncertainty(uncertainty_plot, f"{model.name}, {report.errors['n_frames']} frames")
    if predictions is not None:
        report.write_predictions(predictions)


def _unit(name: str) -> str:
    units = {"energy": "meV/atom", "forces": "meV/A", "stress": "meV/A^3"}
    charge_units = {"dipole_rmse": "e A", "quadrupole_rmse": "e A^2", "bec_rmse": "e", "charges_rmse": "e"}
    return charge_units.get(name) or units.get(name.split("_")[0], "")
