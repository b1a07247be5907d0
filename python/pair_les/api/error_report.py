# SPDX-License-Identifier: MIT
"""Errors of a model on labeled frames: numbers, tables of rows, a parity plot, and frames with predictions."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from ..data.frames import Frame
from ..evaluation.accuracy import Comparison
from ..evaluation.breakdown import (
    atom_symbols,
    errors_by_config_type,
    errors_by_element,
    errors_by_frame,
    predictions_text,
)
from ..output_files import write_file


@dataclass(frozen=True)
class ErrorReport:
    """Predictions beside the labels of F frames with N atoms in all.

    The tables are lists of rows with the same keys, as ``pandas.DataFrame`` takes them; energies are in meV/atom, forces in
    meV/angstrom.

    Parameters
    ----------
    errors
        What ``pair-les evaluate`` prints, by name: ``energy_rmse``, ``forces_rmse`` and so on; stress in meV/angstrom^3.
    comparison
        Labels and predictions as arrays.
    frames
        The frames as they were read.
    uncertainty
        How well the uncertainties of a model describe its errors (`uncertainty_report`); empty for a model without.
    """

    errors: dict[str, Any]
    comparison: Comparison
    frames: list[Frame]
    uncertainty: dict[str, Any] = field(default_factory=dict)

    @property
    def by_element(self) -> list[dict[str, Any]]:
        """Rows with ``element``, ``n_atoms``, ``forces_rmse``, ``forces_mae``."""
        return rows_of_table("element", errors_by_element(self.comparison, self.frames))

    @property
    def by_config_type(self) -> list[dict[str, Any]]:
        """Rows with ``config_type``, ``n_frames``, ``energy_rmse``, ``forces_rmse``; empty where no frame has a ``config_type``."""
        return rows_of_table("config_type", errors_by_config_type(self.comparison, self.frames))

    @property
    def by_frame(self) -> list[dict[str, Any]]:
        """Rows with ``file``, ``frame``, ``config_type``, ``forces_rmse``, ``energy_error``, in the order of the frames."""
        return errors_by_frame(self.comparison, self.frames)

    def plot(self, file: str | os.PathLike[str], title: str = "") -> None:
        """Write a parity plot (PNG): energies, forces by element, stresses."""
        from ..evaluation.figures import parity  # matplotlib, which numbers do not need

        parity(self.comparison, file, title, atom_symbols(self.frames))

    def plot_uncertainty(self, file: str | os.PathLike[str], title: str = "") -> None:
        """Write the calibration curve (PNG) of a model with uncertainties; nothing where there is none."""
        from ..evaluation.figures import calibration_curve

        if self.uncertainty:
            calibration_curve(self.uncertainty, file, title)

    def write_predictions(self, file: str | os.PathLike[str]) -> None:
        """Write the frames with ``predicted_energy``, ``predicted_forces`` and ``predicted_stress`` beside the labels (extxyz)."""
        write_file(file, predictions_text(self.comparison, self.frames))


def rows_of_table(name: str, table: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table by name, the name in a column of its own."""
    return [{name: key, **row} for key, row in table.items()]
