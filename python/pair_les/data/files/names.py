# SPDX-License-Identifier: MIT
"""Names of frames in messages."""

from __future__ import annotations


def frame_name(file: str, index: int) -> str:
    """``file, frame 3 (counted from 0)``."""
    return f"{file}, frame {index} (counted from 0)"
