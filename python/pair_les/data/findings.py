# SPDX-License-Identifier: MIT
"""What checks of data find."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A line about the labels, and whether it is an error unless the user says otherwise."""

    text: str
    refused: bool
