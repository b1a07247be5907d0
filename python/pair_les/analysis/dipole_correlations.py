# SPDX-License-Identifier: MIT
"""Longitudinal and transverse correlations of molecular dipoles.

``M(k) = sum_m mu_m exp(i k.R_m)``; ``C_L = <|k^.M|^2> / N_m``, ``C_T = <|M|^2 - |k^.M|^2> / (2 N_m)``, e^2 A^2. Independent
dipoles have ``C_L = C_T = <mu^2> / 3``; Coulomb interactions suppress C_L against C_T as k -> 0 (by the permittivity),
and a model without long range does not: the other diagnostic of the field (Cox 2020, Gao & Remsing 2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .blocks import BlockAverage
from .molecules import Molecules, find_molecules
from .polarization import FEWEST_SAMPLES, permittivity
from .table import Table, format_with_error
from .trajectory import Snapshot
from .wavevectors import Shells, WaveVectors


class DipoleCorrelations:
    """Accumulates C_L and C_T over frames.

    Parameters
    ----------
    n_frames
        How many will come.
    k_max, width
        Range and bin width in |k|, 1/angstrom.
    bond_length
        See `find_molecules`.
    temperature, eps
        K, and the electronic permittivity; with a temperature the static permittivity of the molecular dipoles is shown.
    """

    def __init__(
        self,
        n_frames: int,
        k_max: float,
        width: float,
        bond_length: float | None,
        temperature: float | None = None,
        eps: float = 1.0,
    ) -> None:
        self.k_max, self.bond_length = k_max, bond_length
        self.temperature, self.eps = temperature, eps
        self.totals: list[NDArray[np.float64]] = []  # [3], e angstrom, of each frame
        self.volume = BlockAverage(1)
        self.shells = Shells(k_max, width)
        self.k, self.square = BlockAverage(1), BlockAverage(n_frames)
        self.longitudinal, self.transverse = BlockAverage(n_frames), BlockAverage(n_frames)
        self.molecules: Molecules | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Add one frame with charges."""
        if snapshot.charges is None:
            raise DataError("the dump has no column q, which dipoles need: dump id type x y z q")
        if self.molecules is None:
            number = find_molecules(snapshot, self.bond_length)
            if number is None:
                raise DataError(
                    "nothing says which atoms are a molecule: dump the column mol, or give --bond-length 1.3"
                )
            self.molecules = Molecules(number)
        moments, centers = self.molecules.dipoles(snapshot)
        vectors = WaveVectors(snapshot.cell, self.k_max)
        field = vectors.fourier_sums(centers, moments.T)  # [3, K]
        along = np.einsum("ak,ka->k", field, vectors.k / vectors.length[:, None])
        longitudinal = np.abs(along) ** 2
        transverse = 0.5 * (np.sum(np.abs(field) ** 2, axis=0) - longitudinal)
        counts, k, sum_l, sum_t = self.shells.sums(vectors.length, longitudinal, transverse)
        n = len(self.molecules)
        self.longitudinal.add(sum_l / n, counts)
        self.transverse.add(sum_t / n, counts)
        self.k.add(k, counts)
        self.square.add(np.sum(moments**2) / n)
        self.totals.append(moments.sum(axis=0))
        self.volume.add(snapshot.volume)

    def tables(self) -> list[Table]:
        """k, both correlations and their errors; the mean dipole."""
        k = self.k.mean()
        used = np.isfinite(k)
        columns = {
            "k (1/A)": k[used],
            "longitudinal (e^2 A^2)": self.longitudinal.mean()[used],
            "longitudinal error": self.longitudinal.error()[used],
            "transverse (e^2 A^2)": self.transverse.mean()[used],
            "transverse error": self.transverse.error()[used],
        }
        rms = float(np.sqrt(self.square.mean()))
        facts = {
            "molecules": str(0 if self.molecules is None else len(self.molecules)),
            "rms dipole of a molecule": format_with_error(
                rms, float(self.square.error()) / (2.0 * rms) if rms > 0.0 else np.nan, "e A"
            ),
        }
        name = "permittivity from molecular dipoles"
        if self.temperature is not None and len(self.totals) < FEWEST_SAMPLES:
            facts[name] = f"needs at least {FEWEST_SAMPLES} frames, there are {len(self.totals)}"
        elif self.temperature is not None:
            # molecules as they are, whatever charge they have lent each other: no jump at a boundary, no path to integrate
            volume = float(self.volume.mean())
            found = permittivity(np.array(self.totals), volume, self.temperature, self.eps)
            facts[name] = format_with_error(*found)
        return [
            Table(
                name="dipole_correlations",
                title="Dipole correlations",
                columns=columns,
                series=(
                    ("longitudinal (e^2 A^2)", "longitudinal error"),
                    ("transverse (e^2 A^2)", "transverse error"),
                ),
                facts=facts,
                description="Correlations of molecular dipoles along and across the wave vector, per molecule; the "
                "longitudinal one falls below the transverse one as k -> 0 only with long-range interactions.",
            )
        ]
