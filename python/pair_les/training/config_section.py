# SPDX-License-Identifier: MIT
"""What the sections of the training configuration have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors (see `read_config`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
