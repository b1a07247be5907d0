# SPDX-License-Identifier: MIT
"""The command line: ``pair-les train | export | convert | inspect | evaluate | check | analyze | doctor``.

Each command imports what it needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pair_les.cli.convert import ConvertCommand, convert

if TYPE_CHECKING:
    from pair_les.data.frames import LabelKeys
    from pair_les.data.response_labels import ResponseKeys

app = typer.Typer(
    name="pair-les",
    help="Train latent-charge potentials on DFT data and make them LAMMPS models (pair_style les).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

EXIT_DISAGREEMENT = 1  # also of a model that cannot be converted
EXIT_USER_ERROR = 2
DEBUG_VARIABLE = "PAIR_LES_DEBUG"


class Precision(str, Enum):
    """Of an exported model."""

    float32 = "float32"
    float64 = "float64"


class ModelFormat(str, Enum):
    """Of an exported model."""

    torchscript = "torchscript"
    pt2 = "pt2"


class InstructionSet(str, Enum):
    """That a pt2 is compiled for."""

    baseline = "baseline"
    avx2 = "avx2"
    avx512 = "avx512"


class BornOrder(str, Enum):
    """Which index of a labelled Born effective charge is the slow one."""

    displacement = "displacement"
    polarisation = "polarisation"


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


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="Configuration of the run.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override one key; may be repeated."),
    ] = None,
) -> None:
    """Train a model, or resume: the same command takes up an interrupted run where its last checkpoint is.

    Relative paths in the configuration start at the current folder.

    Example: pair-les train water.yaml --set training.epochs=50 --set output=runs/short
    """
    from pair_les.training.config_file import read_config

    settings = read_config(config, overrides)
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
    file_format: Annotated[
        ModelFormat,
        typer.Option("--format", help="pt2: compiled here by a C++ compiler, for this torch and --isa."),
    ] = ModelFormat.torchscript,
    isa: Annotated[
        InstructionSet | None,
        typer.Option(
            help="Instruction set of a pt2, which all machines of the run need. [default: of this one]"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write a model even if its run found that it is not usable.")
    ] = False,
) -> None:
    """Write a model file for LAMMPS and ASE, and compare it with the trained model before saying done.

    Example: pair-les export runs/water -o model.pt
    Example: pair-les export runs/seed1 runs/seed2 runs/seed3 -o committee.pt
    Example: pair-les export runs/chains -o cation.pt --charge 1
    Example: pair-les export runs/water --format pt2 -o model.pt2
    """
    from pair_les.export.exporting import export as write

    def say(line: str) -> None:
        print(line, flush=True)

    chosen = None if precision is None else precision.value
    instruction_set = None if isa is None else isa.value
    for check in write(
        checkpoint, output, chosen, description, charge, atoms, file_format.value, instruction_set, say, force
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


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL.pt", help="Model file.")],
    data: Annotated[list[Path], typer.Argument(metavar="DATA...", help="Labelled frames (extxyz).")],
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--keys",
            metavar="LABEL=NAME",
            help="Name of a label in the data (stress=null: not read); may be repeated.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="OUT.json", help="Write the numbers there as well ('-': only JSON)."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.png", help="Write a parity plot.")] = None,
    eps: Annotated[
        float, typer.Option(help="Electronic permittivity: physical charges are sqrt(eps) latent ones.")
    ] = 1.0,
    born_order: Annotated[
        BornOrder, typer.Option(help="Slow index of the nine numbers of a labelled Born effective charge.")
    ] = BornOrder.displacement,
) -> None:
    """Errors of a model on labelled frames: energy in meV/atom, forces in meV/A, stress in meV/A^3.

    Energies are compared as they are: a constant offset between two sets of labels counts as an error. Dipoles,
    quadrupoles and Born effective charges (labels dipole, quadrupole, bec) are compared where the data has them,
    atomic charges where --keys charges=NAME names them.

    Example: pair-les evaluate model.pt test.extxyz --keys forces=force --json errors.json --plot parity.png
    """
    from pair_les.data.response_labels import used_names
    from pair_les.evaluation.label_errors import evaluate as compare
    from pair_les.observables.agreement import agreement
    from pair_les.observables.agreement import errors as charge_errors
    from pair_les.output_files import json_text, write_file

    labels, response = _label_keys(keys or [])
    for target in (json_file, plot):
        _require_folder(target)
    comparison = compare(
        model, data, labels, also_used=used_names(response), say=lambda note: print(note, file=sys.stderr)
    )
    errors = comparison.errors()
    seen = agreement(
        model,
        data,
        response,
        eps=eps,
        displacement_first=born_order is BornOrder.displacement,
        total_charge=labels.total_charge,
    )
    errors.update(charge_errors(seen))
    text = json_text(errors, indent=2)
    if str(json_file) == "-":
        print(text)
    else:
        for name, value in errors.items():
            print(f"{name:<20} {value:.4g} {_unit(name)}".rstrip())
        if json_file is not None:
            write_file(json_file, text + "\n")
    if plot is not None:
        from pair_les.evaluation.figures import parity

        parity(comparison, plot, f"{model.name}, {errors['n_frames']} frames")


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

    The direct sum grows with the square of the number of atoms: minutes for 10 000 of them. It is of systems that repeat in
    all directions or in none, without a field: slabs and runs with efield cannot be checked.

    Example: pair-les check model.pt traj.dump --element O --element H
    """
    from pair_les.lammps.check import CHARGE_TOLERANCE, FORCE_TOLERANCE
    from pair_les.lammps.check import check as compare

    force = FORCE_TOLERANCE if force_tolerance is None else force_tolerance
    latent = CHARGE_TOLERANCE if charge_tolerance is None else charge_tolerance
    n_frames, wrong = 0, 0
    for result in compare(model, dump, elements=elements, units=units, frames=frames, total_charge=charge):
        print(result, flush=True)
        n_frames += 1
        wrong += not result.agrees(force, latent)
    if wrong:
        print(
            f"pair-les: {dump}: {wrong} of {n_frames} frames are not what {model} gives, within {force:g} eV/A (rms) and "
            f"{latent:g} e: another model file, order of elements, units or --charge, a field, "
            "a coarse kspace_style, or positions of few digits",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_DISAGREEMENT)


@app.command()
def analyze(
    dumps: Annotated[
        list[Path] | None, typer.Argument(metavar="DUMP...", help="LAMMPS dumps: id type x y z q [mol].")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")
    ] = Path("analysis"),
    quantities: Annotated[
        str, typer.Option(help="Comma-separated: structure, dipoles, radial, profile.")
    ] = "structure,radial",
    elements: Annotated[
        list[str] | None,
        typer.Option("--element", metavar="SYMBOL", help="Element of type 1, 2, ...; repeat."),
    ] = None,
    first: Annotated[int, typer.Option(help="Frames to leave out at the beginning.")] = 0,
    stride: Annotated[int, typer.Option(help="Take every so many-th frame.")] = 1,
    k_max: Annotated[float, typer.Option(help="Largest wave vector, 1/angstrom.")] = 2.0,
    k_width: Annotated[float, typer.Option(help="Bin width of wave vectors, 1/angstrom.")] = 0.05,
    k_fit: Annotated[float, typer.Option(help="Fit the exponent of S_QQ below this, 1/angstrom.")] = 0.5,
    r_max: Annotated[
        float | None,
        typer.Option(help="Range of radial distributions, angstrom. [default: half the cell, at most 10]"),
    ] = None,
    r_width: Annotated[float, typer.Option(help="Bin width of distances, angstrom.")] = 0.05,
    axis: Annotated[str, typer.Option(help="Axis of profiles: x, y or z.")] = "z",
    n_bins: Annotated[int, typer.Option(help="Slices of profiles.")] = 200,
    bond_length: Annotated[
        float | None,
        typer.Option(help="Atoms closer than this are a molecule, angstrom. [default: column mol]"),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the run, K.")] = None,
    eps: Annotated[float, typer.Option(help="Electronic permittivity.")] = 1.0,
    polarization: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Output of fix ave/time for compute les/polarization.")
    ] = None,
    timestep: Annotated[float | None, typer.Option(help="Of the run, ps (for --polarization).")] = None,
    volume: Annotated[float | None, typer.Option(help="Of the cell, angstrom^3 (without a dump).")] = None,
    resolution: Annotated[float, typer.Option(help="Of the spectrum, 1/cm.")] = 10.0,
) -> None:
    """Charge structure factor, dipole correlations, radial distributions, profiles, permittivity and infrared spectrum.

    Reads dumps frame by frame, of any length, and writes CSV and PNG files and one report.html.

    Example: pair-les analyze run.dump --element O --element H --quantities structure,dipoles --bond-length 1.3
    """
    from pair_les.analysis import Settings
    from pair_les.analysis import analyze as run
    from pair_les.errors import UserError

    if axis not in ("x", "y", "z"):
        raise UserError(f"--axis {axis}: must be x, y or z")
    settings = Settings(
        quantities=tuple(part for part in quantities.split(",") if part),
        elements=tuple(elements or ()),
        first=first,
        stride=stride,
        k_max=k_max,
        k_width=k_width,
        k_fit=k_fit,
        r_max=r_max,
        r_width=r_width,
        axis="xyz".index(axis),
        n_bins=n_bins,
        bond_length=bond_length,
        temperature=temperature,
        eps=eps,
        polarization=None if polarization is None else str(polarization),
        timestep=timestep,
        volume=volume,
        resolution=resolution,
    )
    command = " ".join(["pair-les", *sys.argv[1:]])
    for file in run(dumps or [], output, settings, command=command):
        print(file)


@app.command()
def doctor() -> None:
    """Check LAMMPS, torch, MPI, the plugin and the threads, and say what is wrong with them.

    Example: pair-les doctor
    """
    from pair_les.lammps.doctor import report

    text, well = report()
    print(text)
    if not well:
        raise typer.Exit(1)


def _label_keys(pairs: list[str]) -> tuple[LabelKeys, ResponseKeys]:
    from pair_les.data.frames import LabelKeys
    from pair_les.data.response_labels import ResponseKeys
    from pair_les.errors import UserError

    known = (*LabelKeys.__dataclass_fields__, *ResponseKeys.__dataclass_fields__)
    found: dict[str, Any] = {}
    for pair in (part for text in pairs for part in text.split(",")):
        label, separator, name = pair.partition("=")
        if not separator or not name or label not in known:
            raise UserError(
                f"--keys {pair}: must be LABEL=NAME with LABEL one of {', '.join(known)}, "
                "for example forces=force"
            )
        found[label] = None if name == "null" and label in ("stress", "virial") else name
    own = {label: name for label, name in found.items() if label in LabelKeys.__dataclass_fields__}
    rest = {label: name for label, name in found.items() if label not in own}
    return LabelKeys(**own), ResponseKeys(**rest)


def _require_folder(file: Path | None) -> None:
    """Before the work, not after it."""
    from pair_les.errors import UserError

    if file is not None and not file.parent.is_dir():
        raise UserError(f"{file}: folder '{file.parent}' does not exist: create it or give another path")


def _unit(name: str) -> str:
    units = {"energy": "meV/atom", "forces": "meV/A", "stress": "meV/A^3"}
    charge_units = {"dipole_rmse": "e A", "quadrupole_rmse": "e A^2", "bec_rmse": "e", "charges_rmse": "e"}
    return charge_units.get(name) or units.get(name.split("_")[0], "")


def main() -> None:
    """Run the command line; errors that a user can repair are one line on stderr and exit code 2."""
    try:
        sys.exit(app(prog_name="pair-les", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not error.format_message():  # called without arguments: the help has been printed
            sys.exit(EXIT_USER_ERROR)
        _fail(error.format_message(), error)
    except typer.Abort as error:
        _fail("aborted", error)
    except KeyboardInterrupt as error:
        _fail("interrupted", error, 128 + signal.SIGINT)
    except OSError as error:
        _fail(str(error), error)
    except ModuleNotFoundError as error:
        from pair_les.installation.extras import missing_extra_message

        message = missing_extra_message(error)
        if message is None:
            raise
        _fail(message, error)
    except Exception as error:
        # These classes live in modules that are worth importing only now.
        from pair_les.errors import ConversionError, Interrupted, UserError
        from pair_les.model_file.metadata import ContractError

        if isinstance(error, ConversionError):
            _fail(str(error), error, EXIT_DISAGREEMENT)
        if isinstance(error, UserError | ContractError):
            _fail(str(error), error)
        if isinstance(error, Interrupted):
            if _worker():
                sys.exit(0)  # the first process speaks and sets the exit code
            print(f"pair-les: {error}: the same command resumes", file=sys.stderr)
            sys.exit(128 + error.signum)
        if _worker():
            # Most likely the first process was killed: this one is then ended in a moment, quietly.
            time.sleep(2.0)
        raise


def _worker() -> str:
    """Which of several training processes this is; empty for the first."""
    rank = os.environ.get("LOCAL_RANK", "0")
    return "" if rank == "0" else rank


def _fail(message: str, error: BaseException, code: int = EXIT_USER_ERROR) -> None:
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0"):
        raise error
    process = f" process {_worker()}:" if _worker() else ""
    print(f"pair-les:{process} error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
