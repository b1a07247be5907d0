# SPDX-License-Identifier: MIT
"""Section of the configuration about runs that start from a model."""

from __future__ import annotations

from typing import Literal

from .config_section import Section


class StartSection(Section):
    """What a run takes from the model of `start_from`."""

    new_species: dict[str, str] | Literal["nearest"] | None = None
    """Weights that elements start with which the start model does not have: those of the chemically nearest element it has, or of
    a given one, such as `{K: Na}`. null: such elements are refused."""

    absent_species: Literal["keep", "drop"] = "keep"
    """Whether the model keeps elements that no training frame has."""

    statistics: Literal["keep", "fit"] = "keep"
    """Whether the normalization is that of the start model or is fitted to the training frames, which disturbs the start."""
