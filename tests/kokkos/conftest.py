# SPDX-License-Identifier: MIT
"""Tests of pair_style les/kk: skipped, by name, where no LAMMPS with KOKKOS is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lammps"))  # harness and systems are shared

import harness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if harness.KOKKOS_PREFIX:
        return
    skip = pytest.mark.skip(
        reason="no LAMMPS with KOKKOS: set LES_KOKKOS_LAMMPS to its prefix (kokkos/README.md)"
    )
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of `event_log.cpp`."""
    library = tmp_path_factory.mktemp("tool") / "event_log.so"
    source = Path(__file__).with_name("event_log.cpp")
    subprocess.run(["c++", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library
