# SPDX-License-Identifier: MIT
"""``pair-les analyze``: what the charges of a run say about its structure, dielectric response, spectrum and capacitance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


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
    sigma: Annotated[
        float, typer.Option(help="Width of the Gaussian charges for the potential along the axis, angstrom.")
    ] = 0.0,
    field: Annotated[float, typer.Option(help="Uniform field along the axis, V/angstrom.")] = 0.0,
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
    electrodes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Output of fix ave/time for compute les/electrode at one voltage; repeat."
        ),
    ] = None,
    first_step: Annotated[int, typer.Option(help="Steps of --electrodes before this are left out.")] = 0,
    area: Annotated[float | None, typer.Option(help="Of an electrode, angstrom^2 (without a dump).")] = None,
) -> None:
    """Charge structure factor, dipole correlations, radial distributions, profiles, permittivity, spectrum and capacitance.

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
        sigma=sigma,
        field=field,
        bond_length=bond_length,
        temperature=temperature,
        eps=eps,
        polarization=None if polarization is None else str(polarization),
        timestep=timestep,
        volume=volume,
        resolution=resolution,
        electrodes=tuple(str(file) for file in electrodes or ()),
        first_step=first_step,
        area=area,
    )
    command = " ".join(["pair-les", *sys.argv[1:]])
    for file in run(dumps or [], output, settings, command=command):
        print(file)
