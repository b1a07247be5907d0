# SPDX-License-Identifier: MIT
"""Choices of the commands that write model files."""

from __future__ import annotations

from enum import Enum


class ModelFormat(str, Enum):
    """Format of an exported model."""

    torchscript = "torchscript"
    pt2 = "pt2"


class InstructionSet(str, Enum):
    """Instruction set that a pt2 is compiled for."""

    baseline = "baseline"
    avx2 = "avx2"
    avx512 = "avx512"
