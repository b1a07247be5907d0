# SPDX-License-Identifier: MIT
"""``pair-les analyze``: one pass over the dumps of a run, a report at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import DataError, UserError
from .capacitance import capacitance_tables, read_charges
from .charge_structure import ChargeStructure
from .dipole_correlations import DipoleCorrelations
from .polarization import polarization_tables, read_polarization
from .profiles import Profiles
from .radial import RadialDistributions
from .report import write_report
from .table import Table
from .trajectory import Trajectory

QUANTITIES = ("structure", "dipoles", "radial", "profile")
"""What can be had from a dump; permittivity and spectrum come from a file of polarizations."""


@dataclass(frozen=True)
class Settings:
    """Settings of an analysis; lengths in angstrom, wave vectors in 1/angstrom.

    Parameters
    ----------
    quantities
        Some of `QUANTITIES`.
    elements
        Names of the types 1, 2, ...; empty: their numbers.
    first, stride
        Frames to leave out at the beginning, and every how many-th to take.
    k_max, k_width, k_fit
        Range and bins of wave vectors; the exponent is fitted below k_fit.
    r_max, r_width
        Range (None: half the smallest height of the first cell, at most 10) and bins of distances.
    axis, n_bins
        Of profiles.
    sigma, field
        For the potential along the axis: width of the Gaussian charges (0: points), and uniform field along the axis,
        V/angstrom.
    bond_length
        Atoms closer than this are a molecule; None: the column mol.
    temperature
        K.
    eps
        Electronic permittivity.
    polarization, timestep
        File of polarizations, and ps per step.
    volume
        angstrom^3, for permittivity and spectrum without a dump.
    resolution
        Of the spectrum, 1/cm.
    electrodes, first_step
        Files of electrode charges, one for each voltage, and the step from which on they count.
    area
        Of an electrode, angstrom^2, without a dump.
    """

    quantities: Sequence[str] = ("structure", "radial")
    elements: Sequence[str] = ()
    first: int = 0
    stride: int = 1
    k_max: float = 2.0
    k_width: float = 0.05
    k_fit: float = 0.5
    r_max: float | None = None
    r_width: float = 0.05
    axis: int = 2
    n_bins: int = 200
    sigma: float = 0.0
    field: float = 0.0
    bond_length: float | None = None
    temperature: float | None = None
    eps: float = 1.0
    polarization: str | None = None
    timestep: float | None = None
    volume: float | None = None
    resolution: float = 10.0
    electrodes: Sequence[str] = ()
    first_step: int = 0
    area: float | None = None

    def __post_init__(self) -> None:
        for quantity in self.quantities:
            if quantity not in QUANTITIES:
                raise UserError(f"quantity {quantity}: must be one of {', '.join(QUANTITIES)}")
        for name in (
            "k_max",
            "k_width",
            "k_fit",
            "r_max",
            "r_width",
            "bond_length",
            "temperature",
            "timestep",
            "volume",
            "resolution",
            "area",
        ):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise UserError(f"{name} {value}: must be > 0")
        if self.axis not in (0, 1, 2) or self.n_bins < 1:
            raise UserError(f"axis {self.axis}, n_bins {self.n_bins}: must be 0, 1 or 2, and >= 1")
        if not (np.isfinite(self.sigma) and self.sigma >= 0 and np.isfinite(self.field)):
            raise UserError(f"sigma {self.sigma}, field {self.field}: must be >= 0, and a finite number")
        if not (np.isfinite(self.eps) and self.eps >= 1):
            raise UserError(f"eps {self.eps}: must be >= 1, the electronic permittivity")
        if self.polarization is not None:
            for name in ("timestep", "temperature"):
                if getattr(self, name) is None:
                    raise UserError(f"permittivity and spectrum need the {name}: give --{name}")
        if self.electrodes and self.temperature is None:
            raise UserError("capacitances need the temperature: give --temperature")


def analyze(
    dumps: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    settings: Settings,
    *,
    command: str = "",
    progress: bool = True,
) -> list[Path]:
    """Read every frame once, keep averages only, and write tables, figures and report.html into a folder.

    Parameters
    ----------
    dumps
        LAMMPS text dumps of one run in order; may be empty with files of electrode charges, or with a file of polarizations
        and a volume.
    output
        Folder, made if needed.
    settings
        What to compute.
    command
        Shown in the report.
    progress
        Whether to show a progress bar on stderr.

    Returns
    -------
    The files written, the page first.

    Raises
    ------
    UserError, DataError
        If something given cannot be used.
    """
    if not dumps and settings.polarization is None and not settings.electrodes:
        raise DataError("nothing to analyze: name a dump, or a file with --polarization or --electrodes")
    facts: dict[str, str] = {}
    tables: list[Table] = []
    volume, area = settings.volume, settings.area
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    if dumps:
        found, mean_volume, mean_area = _analyze_dumps(dumps, settings, facts, progress)
        tables += found
        volume, area = volume or mean_volume, area or mean_area
    if settings.polarization is not None:
        if volume is None:
            raise UserError(
                "permittivity and spectrum need the volume of the cell: name a dump, or give --volume"
            )
        assert settings.timestep is not None and settings.temperature is not None  # checked above
        series = read_polarization(settings.polarization, settings.timestep)
        tables += polarization_tables(series, volume, settings.temperature, settings.eps, settings.resolution)
        facts["polarizations"] = f"{settings.polarization}, {series.time[-1] - series.time[0]:g} ps"
    if settings.electrodes:
        assert settings.temperature is not None  # checked above
        charges = [read_charges(file, settings.first_step) for file in settings.electrodes]
        tables += capacitance_tables(charges, settings.temperature, area)
    return write_report(folder, "Charges of a run", facts, tables, command)


def _analyze_dumps(
    dumps: Sequence[str | os.PathLike[str]], settings: Settings, facts: dict[str, str], progress: bool
) -> tuple[list[Table], float, float]:
    """Tables, mean volume (angstrom^3) and mean area of the cell at right angles to the axis (angstrom^2)."""
    trajectory = Trajectory(dumps, settings.first, settings.stride)
    facts["dumps"] = ", ".join(trajectory.files)
    facts["atoms"], facts["frames"] = str(trajectory.n_atoms), str(len(trajectory))
    estimators: list = []
    volumes: list[float] = []
    areas: list[float] = []
    for snapshot in tqdm(trajectory, total=len(trajectory), unit="frame", disable=not progress):
        if not volumes:
            estimators = _estimators(len(trajectory), snapshot, settings)
        for estimator in estimators:
            estimator.add(snapshot)
        volumes.append(snapshot.volume)
        areas.append(float(np.linalg.norm(np.cross(*np.delete(snapshot.cell, settings.axis, axis=0)))))
    if len(trajectory) == 1:
        facts["standard errors"] = "none: they need at least 2 frames"
    facts["mean volume"] = f"{np.mean(volumes):.6g} A^3"
    tables = [table for estimator in estimators for table in estimator.tables()]
    return tables, float(np.mean(volumes)), float(np.mean(areas))


def _estimators(n_frames: int, snapshot, settings: Settings) -> list:
    names = list(settings.elements) or [str(kind) for kind in range(1, int(snapshot.types.max()) + 1)]
    if int(snapshot.types.max()) > len(names):
        raise UserError(
            f"{len(names)} elements for {int(snapshot.types.max())} atom types: name one for each type"
        )
    wanted = {name: name in settings.quantities for name in QUANTITIES}
    found: list = []
    if wanted["structure"]:
        found.append(
            ChargeStructure(n_frames, settings.k_max, settings.k_width, settings.k_fit, settings.temperature)
        )
    if wanted["dipoles"]:
        found.append(
            DipoleCorrelations(
                n_frames,
                settings.k_max,
                settings.k_width,
                settings.bond_length,
                settings.temperature,
                settings.eps,
            )
        )
    if wanted["radial"]:
        half = 0.5 / float(np.linalg.norm(np.linalg.inv(snapshot.cell), axis=0).max())
        # of the first cell; a margin for one that shrinks
        reach = settings.r_max if settings.r_max is not None else min(0.95 * half, 10.0)
        found.append(RadialDistributions(n_frames, reach, settings.r_width, names))
    if wanted["profile"]:
        found.append(
            Profiles(
                n_frames,
                settings.axis,
                settings.n_bins,
                names,
                settings.sigma,
                settings.field,
                settings.eps,
            )
        )
    return found
