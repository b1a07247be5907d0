# SPDX-License-Identifier: MIT
"""Time series of ``compute les/polarization``: the permittivity from the dipole, the infrared spectrum from the current.

Both are of dielectrics: in a conductor the dipole of the cell wanders off and has no variance.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..constants import COULOMB_CONSTANT
from ..errors import DataError
from .blocks import BLOCKS, standard_error
from .constants import BOLTZMANN, LIGHT, WAVENUMBER
from .table import Table, format_with_error

FEWEST_SAMPLES = 2 * BLOCKS
"""Of a fluctuation: two in each block that its error comes from."""


@dataclass(frozen=True)
class PolarizationSeries:
    """``time`` [n], ps, evenly spaced; ``dipole`` [n, 3], e angstrom; ``current`` [n, 3], e angstrom / ps."""

    time: NDArray[np.float64]
    dipole: NDArray[np.float64]
    current: NDArray[np.float64]

    @property
    def interval(self) -> float:
        """Time between two samples, ps."""
        return float(self.time[1] - self.time[0])


def read_polarization(file: str | os.PathLike[str], timestep: float) -> PolarizationSeries:
    """Read what ``fix ID all ave/time N 1 N c_P[*] file FILE`` wrote for ``compute P all les/polarization``.

    Parameters
    ----------
    file
        The file; two comment lines, then the step and the components.
    timestep
        ps per step of the run; velocities are those of ``units metal``.

    Raises
    ------
    DataError
        If the file is missing, has other columns, or steps that are not evenly spaced.
    """
    path = Path(file)
    if not path.is_file():
        raise DataError(f"{path}: file of polarizations does not exist: check the path")
    hint = "write it with 'fix 1 all ave/time 1 1 1 c_p[*] file FILE' and 'compute p all les/polarization'"
    if not timestep > 0:
        raise DataError(f"timestep {timestep}: must be > 0 (ps)")
    with open(path, encoding="utf-8") as stream:
        header = [line for line in (stream.readline() for _ in range(3)) if line.startswith("#")]
    names = header[-1].lstrip("# ").split() if header else []
    columns = {
        int(found[1]): index for index, name in enumerate(names) if (found := re.search(r"\[(\d+)\]$", name))
    }
    if not names or names[0] != "TimeStep" or not set(range(1, 7)) <= set(columns):
        raise DataError(f"{path}: the columns are {' '.join(names) or 'not named'}: {hint}")
    try:
        table = np.loadtxt(path, usecols=[0, *(columns[component] for component in range(1, 7))], ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: not a table of numbers ({error}): {hint}") from error
    if len(table) < FEWEST_SAMPLES:
        raise DataError(f"{path}: {len(table)} samples are too few, must be at least {FEWEST_SAMPLES}")
    steps = np.diff(table[:, 0])
    if np.any(steps != steps[0]) or steps[0] <= 0:
        raise DataError(f"{path}: samples are not evenly spaced in time: analyze runs one by one")
    return PolarizationSeries(timestep * table[:, 0], table[:, 1:4], table[:, 4:7])


def permittivity(
    dipole: NDArray[np.float64], volume: float, temperature: float, eps: float = 1.0
) -> tuple[float, float]:
    """Static relative permittivity with conducting boundaries, and its standard error from blocks.

    ::

        epsilon = eps + 4 pi k_e / (3 V k_B T) (<M^2> - <M>^2)       M = sqrt(eps) M_latent

    (Neumann 1983.) The error is that of the variance about the mean of the whole run.

    Parameters
    ----------
    dipole
        [n, 3], latent, e angstrom, of the whole cell, without jumps (unwrapped positions).
    volume
        angstrom^3.
    temperature
        K.
    eps
        Electronic permittivity.
    """
    factor = eps * 4.0 * np.pi * COULOMB_CONSTANT / (3.0 * volume * BOLTZMANN * temperature)
    squares = np.sum((dipole - dipole.mean(axis=0)) ** 2, axis=1)
    blocks = np.array([part.mean() for part in np.array_split(squares, BLOCKS)])
    return eps + factor * float(squares.mean()), factor * float(standard_error(blocks))


def infrared_spectrum(
    current: NDArray[np.float64],
    interval: float,
    volume: float,
    temperature: float,
    eps: float = 1.0,
    resolution: float = 10.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Absorption coefficient times refractive index, ``n(w) alpha(w)``, of classical dynamics.

    ::

        n alpha = 2 pi k_e / (3 c V k_B T) integral dt exp(-i w t) <J(0) . J(t)>      J = sqrt(eps) J_latent

    (harmonic quantum correction included, McQuarrie 1976). The integral is half the one-sided spectral density of
    Welch's method with Hann windows.

    Parameters
    ----------
    current
        [n, 3], latent, e angstrom / ps.
    interval
        ps.
    volume
        angstrom^3.
    temperature
        K.
    eps
        Electronic permittivity.
    resolution
        1/cm; the length of the windows is its inverse, at most the whole series.

    Returns
    -------
    Wave numbers [f], 1/cm, and ``n alpha`` [f], 1/cm.
    """
    length = min(len(current), max(8, round(WAVENUMBER / (resolution * interval))))
    frequency, density = signal.welch(
        current, fs=1.0 / interval, window="hann", nperseg=length, detrend="constant", axis=0
    )
    factor = 2.0 * np.pi * COULOMB_CONSTANT * eps / (3.0 * LIGHT * volume * BOLTZMANN * temperature)
    per_angstrom = factor * 0.5 * density.sum(axis=1)
    return WAVENUMBER * frequency, 1e8 * per_angstrom


def polarization_tables(
    series: PolarizationSeries, volume: float, temperature: float, eps: float, resolution: float
) -> list[Table]:
    """The running permittivity, and the spectrum."""
    value, error = permittivity(series.dipole, volume, temperature, eps)
    counts = np.unique(np.linspace(FEWEST_SAMPLES, len(series.time), 50).astype(int))
    running = np.array([permittivity(series.dipole[:n], volume, temperature, eps)[0] for n in counts])
    numbers, absorption = infrared_spectrum(
        series.current, series.interval, volume, temperature, eps, resolution
    )
    inside = (numbers > 0) & (numbers < 5000.0)
    peak = numbers[inside][np.argmax(absorption[inside])] if inside.any() else np.nan
    return [
        Table(
            name="permittivity",
            title="Static permittivity",
            columns={"time (ps)": series.time[counts - 1] - series.time[0], "permittivity": running},
            series=(("permittivity", None),),
            facts={
                "permittivity": format_with_error(value, error),
                "electronic part, given": f"{eps:g}",
                "temperature": f"{temperature:g} K",
                "volume": f"{volume:.6g} A^3",
            },
            description="From the fluctuations of the dipole of the cell up to each time (conducting boundaries); of "
            "no meaning for a conductor.",
        ),
        Table(
            name="infrared_spectrum",
            title="Infrared spectrum",
            columns={"wave number (1/cm)": numbers[inside], "n alpha (1/cm)": absorption[inside]},
            series=(("n alpha (1/cm)", None),),
            facts={"largest absorption at": f"{peak:.0f} 1/cm", "samples": str(len(series.time))},
            description="Absorption coefficient times refractive index from the current, classical nuclei with the "
            "harmonic quantum correction.",
        ),
    ]
