# SPDX-License-Identifier: MIT
"""Capacitance of a cell with two electrodes: from the charges at several voltages, and from their fluctuations at each.

::

    C = dQ/dV = <(Q - <Q>)^2> / (k_B T) + C_0

where C_0 is the capacitance of the cell at fixed positions and charges of everything but the electrodes: as their charges
are those of least energy, their own thermal fluctuations are missing in the variance (Scalfi, Limmer, Coretti, Bonella,
Madden, Salanne and Rotenberg, Phys. Chem. Chem. Phys. 22, 10480, 2020).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .blocks import BLOCKS, standard_error
from .constants import BOLTZMANN, FARADS
from .table import Table, format_with_error

FEWEST_SAMPLES = 2 * BLOCKS
"""Of a run: two in each block that its error comes from."""

SAME_CELL = 0.02
"""Relative difference of capacitances at fixed positions in runs of one cell: coarse meshes differ by some tenths of a percent."""

_HINT = "write it with 'compute e all les/electrode' and 'fix 1 all ave/time 10 1 10 c_e[*] file FILE mode vector'"


@dataclass(frozen=True)
class ChargeSeries:
    """Charges of the first electrode in one run at one voltage.

    ``file``; ``voltage``, V, the potential of the first electrode relative to the second; ``charge`` [n], e;
    ``empty``, e/V, the capacitance C_0 at fixed positions, NaN if the file does not have it.
    """

    file: str
    voltage: float
    charge: NDArray[np.float64]
    empty: float

    @property
    def mean(self) -> tuple[float, float]:
        """Mean charge and its standard error from blocks, e."""
        return float(self.charge.mean()), _error_of_blocks(self.charge)

    def capacitance(self, temperature: float, empty: float) -> tuple[float, float]:
        """Capacitance from the fluctuations, and its standard error from blocks, e/V.

        Parameters
        ----------
        temperature
            K.
        empty
            C_0, e/V.
        """
        squares = (self.charge - self.charge.mean()) ** 2 / (BOLTZMANN * temperature)
        # the mean of n correlated samples takes away as much of the variance as it fluctuates itself
        lost = self.mean[1] ** 2 / (BOLTZMANN * temperature)
        return float(squares.mean()) + lost + empty, _error_of_blocks(squares)


def read_charges(file: str | os.PathLike[str], first_step: int = 0) -> ChargeSeries:
    """Read what ``fix ID all ave/time N 1 N c_E[*] file FILE mode vector`` wrote for ``compute E all les/electrode``.

    Parameters
    ----------
    file
        Three comment lines, then for each sample its step and one row for each electrode: charge, potential, energy of the
        battery, capacitance at fixed positions. The first two electrodes count.
    first_step
        Earlier steps are left out (equilibration).

    Raises
    ------
    DataError
        If the file is missing, has other columns, too few samples, or its voltage changes.
    """
    path = Path(file)
    if not path.is_file():
        raise DataError(f"{path}: file of electrode charges does not exist: check the path")
    steps, values = _read_rows(path)
    kept = steps >= first_step
    if kept.sum() < FEWEST_SAMPLES:
        raise DataError(
            f"{path}: {kept.sum()} samples from step {first_step} on are too few, must be at least {FEWEST_SAMPLES}"
        )
    values = values[kept]
    voltages = values[:, 0, 1] - values[:, 1, 1]
    if np.ptp(voltages) > 1e-6:
        raise DataError(
            f"{path}: the voltage goes from {voltages.min():g} to {voltages.max():g} V: analyze runs of constant voltage"
        )
    empty = values[np.isfinite(values[:, 0, 3]), 0, 3]
    return ChargeSeries(
        os.fspath(path), float(voltages[0]), values[:, 0, 0], float(empty[-1]) if len(empty) else np.nan
    )


def _read_rows(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps [n], and the values [n, electrodes, 4] of each; what a killed run has left unfinished is left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = next((line for line in lines if line.startswith("# Row")), "")
    if not re.fullmatch(r"# Row( c_\w+\[[1-4]\]){4}", header.rstrip()):
        raise DataError(
            f"{path}: the columns are {header.removeprefix('# Row').strip() or 'not named'}: {_HINT}"
        )
    numbers = [line.split() for line in lines if not line.startswith("#")]
    try:
        n_electrodes = int(numbers[0][1]) if numbers else 2
        size = n_electrodes + 1
        whole = [numbers[start : start + size] for start in range(0, len(numbers) - size + 1, size)]
        steps = np.array([int(sample[0][0]) for sample in whole], dtype=np.int64)
        values = np.array([[row[1:] for row in sample[1:]] for sample in whole], dtype=np.float64)
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}: not a table of numbers ({error}): {_HINT}") from error
    if n_electrodes < 2:
        raise DataError(f"{path}: has one electrode, and a voltage needs two")
    return steps, values.reshape(-1, n_electrodes, 4)


def fit_slope(
    voltage: NDArray[np.float64], charge: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Straight line through charges with errors, by least squares.

    Returns
    -------
    Slope and its standard error, e/V; charge at 0 V, e; chi^2 per degree of freedom (NaN for two charges).
    """
    design = np.stack([voltage, np.ones_like(voltage)], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    slope, offset = covariance @ design.T @ (charge / error)
    freedom = len(voltage) - 2
    rest = (charge - slope * voltage - offset) / error
    quality = float(rest @ rest) / freedom if freedom else np.nan
    return float(slope), float(np.sqrt(covariance[0, 0])), float(offset), quality


def capacitance_tables(
    series: Sequence[ChargeSeries], temperature: float, area: float | None = None
) -> list[Table]:
    """Charges against voltage with the slope, and the capacitance from the fluctuations of each run.

    Parameters
    ----------
    series
        One for each voltage, in any order.
    temperature
        K.
    area
        Of one electrode, angstrom^2, for capacitances in microfarad per cm^2; None: in e/V only.

    Raises
    ------
    DataError
        If two runs have the same voltage, or none has the capacitance at fixed positions.
    """
    runs = sorted(series, key=lambda run: run.voltage)
    for one, other in zip(runs, runs[1:], strict=False):
        if other.voltage - one.voltage < 1e-6:
            raise DataError(
                f"{one.file} and {other.file} have the same voltage, {one.voltage:g} V: give one of them"
            )
    known = [run.empty for run in runs if np.isfinite(run.empty)]
    if not known:
        raise DataError(
            f"{runs[0].file}: no capacitance at fixed positions, column 4, which fluctuations need: it is known for electrodes "
            "that do not move, some steps after the start"
        )
    empty = float(np.median(known))
    if np.ptp(known) > SAME_CELL * abs(empty):
        raise DataError(
            f"capacitances at fixed positions go from {min(known):.6g} to {max(known):.6g} e/V: the runs are not of one cell"
        )
    voltage = np.array([run.voltage for run in runs])
    charge, charge_error = np.array([run.mean for run in runs]).T
    capacitance, error = np.array([run.capacitance(temperature, empty) for run in runs]).T
    convert = _Units(area)
    of_runs = Table(
        name="capacitance",
        title="Differential capacitance from fluctuations",
        columns={
            "voltage (V)": voltage,
            f"capacitance ({convert.unit})": convert(capacitance),
            "capacitance error": convert(error),
        },
        series=((f"capacitance ({convert.unit})", "capacitance error"),),
        markers=True,
        facts={"capacitance at fixed positions": convert.format(empty, np.nan)},
        description="Variance of the charge of the first electrode over k_B T, and the capacitance of the cell at fixed "
        "positions, which the variance of charges of least energy lacks.",
    )
    curve = Table(
        name="charge_voltage",
        title="Charge against voltage",
        columns={"voltage (V)": voltage, "charge (e)": charge, "charge error": charge_error},
        series=(("charge (e)", "charge error"),),
        markers=True,
        facts={"runs": str(len(runs)), "temperature": f"{temperature:g} K"},
        description="Mean charge of the first electrode in runs of constant voltage.",
    )
    if len(runs) > 1:
        # errors of five blocks scatter, and those of variances are the smaller the smaller the variance happens to be: weights
        # are numbers of samples, not errors
        samples = np.array([len(run.charge) for run in runs])
        pooled = np.sqrt(samples @ charge_error**2 / len(runs) / samples)
        slope, slope_error, _, quality = fit_slope(voltage, charge, pooled)
        weight = samples / samples.sum()
        mean, mean_error = float(weight @ capacitance), float(np.linalg.norm(weight * error))
        difference = (mean - slope) / np.hypot(mean_error, slope_error)
        curve.facts["slope"] = convert.format(slope, slope_error)
        if len(runs) > 2:
            curve.facts["chi^2 of the line per degree of freedom"] = f"{quality:.2g}"
        curve.facts["capacitance from fluctuations, mean of the runs"] = convert.format(mean, mean_error)
        curve.facts["difference in standard errors"] = f"{difference:+.2g}"
    return [curve, of_runs]


class _Units:
    """Capacitances, e/V, as they are shown: per area where there is one."""

    def __init__(self, area: float | None) -> None:
        self.factor = 1.0 if area is None else FARADS / area
        self.unit = "e/V" if area is None else "uF/cm^2"

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.factor * values

    def format(self, value: float, error: float) -> str:
        """In e/V, and per area where there is one."""
        text = format_with_error(value, error, "e/V")
        if self.unit != "e/V":
            text += f" = {format_with_error(self.factor * value, self.factor * error, self.unit)}"
        return text


def _error_of_blocks(values: NDArray[np.float64]) -> float:
    """Standard error of the mean of a series from its blocks."""
    return float(standard_error(np.array([part.mean() for part in np.array_split(values, BLOCKS)])))
