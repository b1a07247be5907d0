# SPDX-License-Identifier: MIT
"""The command line: ``pair-les example | data | train | export | convert | inspect | evaluate | lammps | check | analyze | doctor``.

Each command imports what it needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from pair_les.cli.analyze import analyze
from pair_les.cli.convert import ConvertCommand, convert
from pair_les.cli.data import data
from pair_les.cli.evaluate import EvaluateCommand, evaluate
from pair_les.cli.example import example
from pair_les.cli.exit_codes import EXIT_DISAGREEMENT, run
from pair_les.cli.label_options import parse_fractions
from pair_les.cli.lammps import lammps
from pair_les.cli.model_formats import FormatOption, InstructionSetOption, ModelFormat
from pair_les.cli.select import select

app = typer.Typer(
    name="pair-les",
    help="Train latent-charge potentials on DFT data and make them LAMMPS models (pair_style les).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Precision(str, Enum):
    """Precision of an exported model."""

    float32 = "float32"
    float64 = "float64"


def _print_version(value: bool) -> None:
    if value:
        from pair_les import __version__

        print(f"pair-les {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Train latent-charge potentials on DFT data and make them LAMMPS models (pair_style les)."""


app.command()(example)
app.command()(data)


@app.command()
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG.yaml", help="Configuration of the run, or its folder.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override one key; may be repeated."),
    ] = None,
    fractions: Annotated[
        str | None,
        typer.Option(
            "--learning-curve",
            metavar="FRACTIONS",
            help="Train on these fractions of the training frames, with the same validation frames: 0.1,0.3,1.",
        ),
    ] = None,
) -> None:
    """Train a model, or resume: the same command takes up an interrupted run where its last checkpoint is.

    A finished run goes on where training.epochs has grown.

    Relative paths in the configuration start at the current folder. A learning curve has its runs, table and figure in
    OUTPUT/learning_curve.

    Example: pair-les train water.yaml --set training.epochs=50 --set output=runs/short
    Example: pair-les train water.yaml --learning-curve 0.1,0.3,1
    """
    from pair_les.training.config_file import read_config

    settings = read_config(config, overrides)
    if fractions is not None:
        from pair_les.api.learning_curve import learning_curve, table_lines

        print("\n".join(table_lines(learning_curve(settings, parse_fractions(fractions)))))
        return
    from pair_les.training.run import train as run

    run(settings)


@app.command()
def export(
    checkpoint: Annotated[
        list[Path],
        typer.Argument(
            metavar="CKPT...",
            help="Run folder (its best weights), or a checkpoint file. Several make a committee.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.pt", help="Model file to write.")],
    precision: Annotated[
        Precision | None, typer.Option(help="Precision of the model file. [default: as trained]")
    ] = None,
    description: Annotated[str, typer.Option(help="Free text for the model file.")] = "",
    charge: Annotated[
        float | None,
        typer.Option(metavar="Q", help="Total charge, e, of a model trained with model.charge_state."),
    ] = None,
    atoms: Annotated[
        int | None,
        typer.Option(metavar="N", help="Atoms that carry it. [default: as in the training frames]"),
    ] = None,
    file_format: FormatOption = ModelFormat.torchscript,
    isa: InstructionSetOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write a model even if its run found that it is not usable.")
    ] = False,
    uncertainty: Annotated[
        list[str] | None,
        typer.Option(
            "--uncertainty",
            metavar="TRAIN",
            help="Store uncertainties, from these training frames: 'run' for those of the run, or a file; may be repeated.",
        ),
    ] = None,
    calibration: Annotated[
        list[str] | None,
        typer.Option(
            "--calibration",
            metavar="VALID",
            help="Labeled frames that calibrate them. [default: validation frames of the run]",
        ),
    ] = None,
) -> None:
    """Write a model file for LAMMPS and ASE, and compare it with the trained model before saying done.

    Example: pair-les export runs/water -o model.pt
    Example: pair-les export runs/seed1 runs/seed2 runs/seed3 -o committee.pt
    Example: pair-les export runs/chains -o cation.pt --charge 1
    Example: pair-les export runs/water --format pt2 -o model.pt2
    Example: pair-les export runs/water -o model.pt --uncertainty run
    """
    from pair_les.errors import UserError
    from pair_les.export.model_export import export as write
    from pair_les.export.uncertainty import OF_RUN

    if calibration and not uncertainty:
        raise UserError(f"--calibration {calibration[0]}: there is no --uncertainty: type --uncertainty run")

    def say(line: str) -> None:
        print(line, flush=True)

    chosen = None if precision is None else precision.value
    instruction_set = None if isa is None else isa.value
    for check in write(
        checkpoint,
        output,
        chosen,
        description,
        charge,
        atoms,
        file_format.value,
        instruction_set,
        say,
        force,
        uncertainty or (),
        calibration or (OF_RUN,),
    ):
        print(check)
    print(f"done: {output} ({output.stat().st_size / 1024:.0f} KiB)")


app.command(cls=ConvertCommand)(convert)


@app.command()
def inspect(model: Annotated[Path, typer.Argument(metavar="MODEL.pt", help="Model file.")]) -> None:
    """Print what a model file says about itself, and how to use it in LAMMPS.

    Example: pair-les inspect model.pt
    """
    from pair_les.cli.inspect import inspect as describe

    print(describe(model))


app.command(cls=EvaluateCommand)(evaluate)
app.command()(select)
app.command()(lammps)


@app.command()
def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL.pt", help="Model file of the run.")],
    dump: Annotated[Path, typer.Argument(metavar="DUMP", help="LAMMPS dump: id type x y z q fx fy fz.")],
    elements: Annotated[
        list[str] | None,
        typer.Option(
            "--element", metavar="SYMBOL", help="Element of LAMMPS type 1, 2, ...; repeat as in pair_coeff."
        ),
    ] = None,
    units: Annotated[str, typer.Option(help="LAMMPS units of the run: metal or real.")] = "metal",
    frames: Annotated[int | None, typer.Option(min=1, help="Check so many frames at most.")] = None,
    charge: Annotated[
        float | None,
        typer.Option(metavar="Q", help="Total charge, e, of a run with 'pair_style les charge Q'."),
    ] = None,
    field: Annotated[
        tuple[float, float, float] | None,
        typer.Option(metavar="EX EY EZ", help="Field, V/angstrom, of a run with efield; dump xu yu zu."),
    ] = None,
    eps: Annotated[float, typer.Option(help="Electronic permittivity of a run with eps.")] = 1.0,
    electrodes: Annotated[
        list[str] | None,
        typer.Option(
            "--electrode",
            metavar="WORDS",
            help="An electrode: 'type 3 potential 1.0', 'id 1:81 charge 0.5 hardness 2.0'; repeat.",
        ),
    ] = None,
    neutral: Annotated[
        bool, typer.Option(help="Whether electrodes make the cell neutral, as in the run.")
    ] = True,
    force_tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Root-mean-square deviation of a force component, eV/A. [default: 0.01]",
            metavar="EV/A",
        ),
    ] = None,
    charge_tolerance: Annotated[
        float | None, typer.Option(min=0.0, help="Deviation of any charge, e. [default: 0.01]", metavar="E")
    ] = None,
) -> None:
    """Recompute the charges and forces of a LAMMPS dump with the converged direct sum and print the differences.

    Exits with status 1 where a difference is beyond the tolerance. A mesh of pppm 1e-4 has 1.4 meV/A, a dump whose positions
    have six digits some meV/A more (dump_modify 1 format float %.12g).

    The direct sum grows with the square of the number of atoms: minutes for 10 000 of them. Boxes that repeat along x and y
    only are slabs. Fields and electrodes have to be named; potentials and fields are those of the frame, numbers.

    Example: pair-les check model.pt traj.dump --element O --element H
    """
    from pair_les.lammps.check import CHARGE_TOLERANCE, FORCE_TOLERANCE
    from pair_les.lammps.check import check as compare

    force = FORCE_TOLERANCE if force_tolerance is None else force_tolerance
    latent = CHARGE_TOLERANCE if charge_tolerance is None else charge_tolerance
    n_frames, wrong = 0, 0
    for result in compare(
        model,
        dump,
        elements=elements,
        units=units,
        frames=frames,
        total_charge=charge,
        field=field,
        eps=eps,
        electrodes=electrodes or (),
        neutral=neutral,
    ):
        print(result, flush=True)
        n_frames += 1
        wrong += not result.agrees(force, latent)
    if wrong:
        print(
            f"pair-les: {dump}: {wrong} of {n_frames} frames are not what {model} gives, within {force:g} eV/A (rms) and "
            f"{latent:g} e: another model file, order of elements, units, --charge, --field or "
            "--electrode, a coarse kspace_style, or positions of few digits",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_DISAGREEMENT)


app.command()(analyze)


@app.command()
def doctor(
    mpi: Annotated[int, typer.Option("--mpi", min=2, help="MPI ranks of the second step that is run.")] = 2,
) -> None:
    """Check LAMMPS, torch, MPI, the plugin and the threads, and say what is wrong with them.

    Example: pair-les doctor --mpi 4
    """
    from pair_les.lammps.doctor import report

    text, well = report(mpi)
    print(text)
    if not well:
        raise typer.Exit(1)


def main() -> None:
    """Run ``pair-les``."""
    run(app)


if __name__ == "__main__":
    main()
