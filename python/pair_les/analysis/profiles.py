# SPDX-License-Identifier: MIT
"""Profiles along one axis of the box: atoms of each type, charge, and the electrostatic potential of the charge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..constants import COULOMB_CONSTANT
from .blocks import BlockAverage
from .table import Table
from .trajectory import Snapshot


class Profiles:
    """Accumulates densities in slices of the box at right angles to a lattice plane.

    Parameters
    ----------
    n_frames
        How many will come.
    axis
        0, 1 or 2: the lattice vector whose fractional coordinate is binned.
    n_bins
        Slices of the box.
    names
        Of the types 1, 2, ...
    """

    def __init__(self, n_frames: int, axis: int, n_bins: int, names: Sequence[str]) -> None:
        self.axis, self.n_bins, self.names = axis, n_bins, list(names)
        self.density, self.height = BlockAverage(n_frames), BlockAverage(n_frames)
        self.charge = BlockAverage(n_frames)
        self.charged = False

    def add(self, snapshot: Snapshot) -> None:
        """Add one frame."""
        inverse = np.linalg.inv(snapshot.cell)
        s = (snapshot.positions @ inverse)[:, self.axis]
        bins = np.minimum(((s - np.floor(s)) * self.n_bins).astype(int), self.n_bins - 1)
        slice_volume = snapshot.volume / self.n_bins
        counts = np.stack(
            [
                np.bincount(bins[snapshot.types == kind + 1], minlength=self.n_bins)
                for kind in range(len(self.names))
            ]
        )
        self.density.add(counts / slice_volume)
        self.height.add(1.0 / np.linalg.norm(inverse[:, self.axis]))
        if snapshot.charges is not None:
            self.charged = True
            self.charge.add(np.bincount(bins, snapshot.charges, minlength=self.n_bins) / slice_volume)

    def tables(self) -> list[Table]:
        """Position, number densities; with charges also charge density and potential."""
        height = float(self.height.mean())
        letter = "xyz"[self.axis]
        position = {f"{letter} (A)": (np.arange(self.n_bins) + 0.5) * height / self.n_bins}
        columns, series = dict(position), []
        for name, mean, error in zip(self.names, self.density.mean(), self.density.error(), strict=True):
            columns[f"{name} (1/A^3)"], columns[f"{name} error"] = mean, error
            series.append((f"{name} (1/A^3)", f"{name} error"))
        tables = [
            Table(
                name=f"density_profile_{letter}",
                title=f"Density profile along {letter}",
                columns=columns,
                series=tuple(series),
                description="Atoms per volume in slices of the box.",
            )
        ]
        if self.charged:
            tables.append(self._charge_table(position, height, letter))
        return tables

    def _charge_table(self, position: dict[str, NDArray], height: float, letter: str) -> Table:
        charge, error = self.charge.mean(), self.charge.error()
        return Table(
            name=f"charge_profile_{letter}",
            title=f"Charge profile along {letter}",
            columns={
                **position,
                "charge (e/A^3)": charge,
                "charge error": error,
                "potential (V)": planar_potential(charge, height),
            },
            series=(("charge (e/A^3)", "charge error"),),
            facts={"largest charge density": f"{np.abs(charge).max():.3g} e/A^3"},
            description="Charge per volume in slices of the box, and the potential that it makes with periodic "
            "boundaries (Poisson's equation; its average and that of the charge are taken to be 0).",
        )


def planar_potential(charge: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Potential of a charge density that varies along one direction, periodic, average 0.

    Solves ``-phi'' = 4 pi k_e rho`` by Fourier transform.

    Parameters
    ----------
    charge
        [n], e/angstrom^3, in equal slices; its mean is dropped.
    height
        Period, angstrom.

    Returns
    -------
    [n], V.
    """
    k = 2.0 * np.pi * np.fft.rfftfreq(len(charge), height / len(charge))
    modes = np.fft.rfft(charge)
    modes[0], k[0] = 0.0, 1.0
    return np.fft.irfft(4.0 * np.pi * COULOMB_CONSTANT * modes / k**2, len(charge))
