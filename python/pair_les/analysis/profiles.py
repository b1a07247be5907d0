# SPDX-License-Identifier: MIT
"""Profiles along one axis of the box: atoms of each type, charge, and the electrostatic potential of the charge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .blocks import BlockAverage, standard_error
from .planar_potential import open_potential, periodic_potential
from .table import Table, format_with_error
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
    sigma
        Width of the Gaussian charges, angstrom; 0: points.
    field
        Uniform field along the axis beside that of the charges, V/angstrom.
    eps
        Electronic permittivity that screens the charges.
    """

    def __init__(
        self,
        n_frames: int,
        axis: int,
        n_bins: int,
        names: Sequence[str],
        sigma: float = 0.0,
        field: float = 0.0,
        eps: float = 1.0,
    ) -> None:
        self.axis, self.n_bins, self.names = axis, n_bins, list(names)
        self.sigma, self.field, self.eps = sigma, field, eps
        self.periodic = True
        self.density, self.height = BlockAverage(n_frames), BlockAverage(n_frames)
        self.charge, self.shared = BlockAverage(n_frames), BlockAverage(n_frames)
        self.ends = BlockAverage(n_frames)
        self.charged = False

    def add(self, snapshot: Snapshot) -> None:
        """Add one frame."""
        self.periodic = snapshot.periodic[self.axis]
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
            place = (s - np.floor(s)) * self.n_bins - 0.5  # in slices, from the middle of the first
            self.shared.add(self._share(place, snapshot.charges) / slice_volume)
            self.ends.add([place.min(), place.max()])

    def _share(self, place: NDArray[np.float64], charges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Charges shared by the two slices whose middles are next, [n_bins], which keeps their dipole."""
        low = np.floor(place).astype(int)
        part = place - low
        total = np.zeros(self.n_bins)
        for number, weight in ((low, 1.0 - part), (low + 1, part)):
            kept = number % self.n_bins if self.periodic else np.clip(number, 0, self.n_bins - 1)
            total += np.bincount(kept, weight * charges, minlength=self.n_bins)
        return total

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
        blocks = self._potential(self.shared.blocks(), height)
        potential = self._potential(self.shared.mean(), height)
        potential_error = standard_error(blocks)
        slices, ends = np.arange(self.n_bins), self.ends.mean()
        at_ends = np.array([np.interp(ends, slices, block) for block in [potential, *blocks]])
        drops = at_ends[:, 0] - at_ends[:, 1]
        facts = {
            "largest charge density": f"{np.abs(charge).max():.3g} e/A^3",
            "potential of the first layer of atoms relative to the last": format_with_error(
                float(drops[0]), float(standard_error(drops[1:])), "V"
            ),
        }
        boundaries = (
            "with periodic boundaries (its average is taken to be 0)"
            if self.periodic
            else "in empty space on both sides (it is 0 at the first slice)"
        )
        width = f" of Gaussians of width {self.sigma:g} A" if self.sigma else ""
        field = f", and of a field of {self.field:g} V/A" if self.field else ""
        return Table(
            name=f"charge_profile_{letter}",
            title=f"Charge and potential along {letter}",
            columns={
                **position,
                "charge (e/A^3)": charge,
                "charge error": error,
                "potential (V)": potential,
                "potential error": potential_error,
            },
            series=(("charge (e/A^3)", "charge error"), ("potential (V)", "potential error")),
            facts=facts,
            panels=True,
            description="Charge per volume in slices of the box, and the potential that it makes by Poisson's equation"
            f"{width} {boundaries}{field}.",
        )

    def _potential(self, charge: NDArray[np.float64], height: float) -> NDArray[np.float64]:
        """Potential of charge densities [..., n], V."""
        solve = periodic_potential if self.periodic else open_potential
        step = height / self.n_bins
        potential = solve(charge, height, self.sigma) / np.sqrt(self.eps)
        return potential - self.field * step * np.arange(self.n_bins)
