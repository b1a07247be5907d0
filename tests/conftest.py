# SPDX-License-Identifier: MIT
"""Fixtures of every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from shared_data import SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference data and vectors; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data at {SHARED}: set PAIR_LES_SHARED")
    return SHARED
