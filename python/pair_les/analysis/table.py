# SPDX-License-Identifier: MIT
"""Result of an estimator: one table, which columns of it are drawn, and single numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Table:
    """One table of results.

    Parameters
    ----------
    name
        Of its files.
    title
        Of its figure and its section.
    columns
        Equally long arrays by name, units in the names; the first one is the abscissa.
    series
        Columns to draw, each with the column of its standard error or None.
    facts
        Single results, ready to print.
    logarithmic
        Whether both axes are logarithmic.
    description
        What was computed, in a sentence.
    panels
        Whether each of the series has axes of its own, one below the other.
    markers
        Whether the series are single points with error bars instead of lines.
    """

    name: str
    title: str
    columns: dict[str, NDArray]
    series: tuple[tuple[str, str | None], ...]
    facts: dict[str, str] = field(default_factory=dict)
    logarithmic: bool = False
    description: str = ""
    panels: bool = False
    markers: bool = False

    @property
    def x(self) -> str:
        """Name of the abscissa."""
        return next(iter(self.columns))

    def without_unknown_errors(self) -> Table:
        """The table without columns of standard errors that are NaN throughout, as those of a single frame are."""
        unknown = {
            error for _, error in self.series if error is not None and np.isnan(self.columns[error]).all()
        }
        return replace(
            self,
            columns={name: column for name, column in self.columns.items() if name not in unknown},
            series=tuple((name, None if error in unknown else error) for name, error in self.series),
        )


def format_with_error(value: float, error: float, unit: str = "") -> str:
    """``1.23 +- 0.04 unit``, or without error where there is none."""
    text = f"{value:.4g}" if not np.isfinite(error) else f"{value:.4g} +- {error:.2g}"
    return f"{text} {unit}".rstrip()
