# SPDX-License-Identifier: MIT
"""Charge structure factor ``S_QQ(k) = <|sum_i q_i exp(i k.r_i)|^2> / N`` and its law for small k.

In a conductor with true Coulomb interactions ``S_QQ -> k_B T k^2 / (4 pi k_e rho)`` (Stillinger & Lovett 1968), in a
dielectric it vanishes like k^2 as well; without long-range interactions it stays finite: the diagnostic of the field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..constants import COULOMB_CONSTANT
from ..errors import DataError
from .blocks import BlockAverage, standard_error
from .constants import BOLTZMANN
from .table import Table, format_with_error
from .trajectory import Snapshot
from .wavevectors import Shells, WaveVectors


class ChargeStructure:
    """Accumulates S_QQ over frames.

    Parameters
    ----------
    n_frames
        How many will come.
    k_max, width
        Range and bin width in |k|, 1/angstrom.
    k_fit
        The exponent of S_QQ is fitted to k below this, 1/angstrom.
    temperature
        K; with it the Stillinger-Lovett limit is shown.
    """

    def __init__(
        self, n_frames: int, k_max: float, width: float, k_fit: float, temperature: float | None = None
    ) -> None:
        self.shells = Shells(k_max, width)
        self.k_max, self.k_fit, self.temperature = k_max, k_fit, temperature
        self.average, self.k = BlockAverage(n_frames), BlockAverage(1)
        self.density = BlockAverage(n_frames)

    def add(self, snapshot: Snapshot) -> None:
        """Add one frame with charges."""
        if snapshot.charges is None:
            raise DataError("the dump has no column q, which S_QQ needs: dump id type x y z q")
        vectors = WaveVectors(snapshot.cell, self.k_max)
        if len(vectors.k) == 0:
            raise DataError(
                f"k_max {self.k_max} is below the smallest wave vector of the cell, 2 pi / L: take a larger one"
            )
        sums = vectors.fourier_sums(snapshot.positions, snapshot.charges)[0]
        counts, k, squares = self.shells.sums(vectors.length, np.abs(sums) ** 2)
        self.average.add(squares / len(snapshot.charges), counts)
        self.k.add(k, counts)
        self.density.add(len(snapshot.charges) / snapshot.volume)

    def tables(self) -> list[Table]:
        """k, S_QQ and its error; the exponent of the smallest k."""
        k, value, error = self.k.mean(), self.average.mean(), self.average.error()
        used = np.isfinite(value)
        facts = {}
        exponent = self.exponent()
        if exponent is not None:
            facts[f"exponent of k below {self.k_fit:g} / A"] = format_with_error(*exponent)
        if self.temperature is not None:
            law = stillinger_lovett(self.temperature, float(self.density.mean()))
            facts["Stillinger-Lovett limit of S_QQ / k^2"] = f"{law:.4g} e^2 A^2"
        return [
            Table(
                name="charge_structure_factor",
                title="Charge structure factor",
                columns={"k (1/A)": k[used], "S_QQ (e^2)": value[used], "error (e^2)": error[used]},
                series=(("S_QQ (e^2)", "error (e^2)"),),
                facts=facts,
                logarithmic=True,
                description="S_QQ(k) = <|sum q exp(i k.r)|^2> / N; it goes to zero like k^2 where the interactions are "
                "Coulomb's at long range, and stays finite where they are not.",
            )
        ]

    def exponent(self) -> tuple[float, float] | None:
        """d log S_QQ / d log k below k_fit and its error from blocks; None with fewer than three bins there."""
        k, value = self.k.mean(), self.average.mean()
        fitted = np.isfinite(value) & (value > 0) & (k <= self.k_fit)
        if fitted.sum() < 3:
            return None
        weights = self.average.weights.sum(axis=0)[fitted]
        slope = _slope(k[fitted], value[fitted], weights)
        blocks = self.average.blocks()[:, fitted]
        slopes = [_slope(k[fitted], block, weights) for block in blocks if np.all(block > 0)]
        return slope, float(standard_error(np.array(slopes)))


def stillinger_lovett(
    temperature: float, density: float, coulomb_constant: float = COULOMB_CONSTANT
) -> float:
    """``k_B T / (4 pi k_e rho)``, e^2 angstrom^2: S_QQ / k^2 of a conductor; T in K, rho in atoms / angstrom^3."""
    return BOLTZMANN * temperature / (4.0 * np.pi * coulomb_constant * density)


def _slope(k: NDArray, value: NDArray, weights: NDArray) -> float:
    # the relative error of a bin goes like 1 / sqrt(number of vectors), that of its logarithm too
    return float(np.polyfit(np.log(k), np.log(value), 1, w=np.sqrt(weights))[0])
