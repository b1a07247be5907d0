# SPDX-License-Identifier: MIT
"""Tests of pair_style les/kk: skipped, by name, where no LAMMPS with KOKKOS is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lammps"))  # harness and systems are shared

import harness
from analytic_models import write_model


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
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Path of an analytic model file: ``model(kind, **options)``, each written once per session."""
    folder = tmp_path_factory.mktemp("models")
    written: dict[str, Path] = {}

    def get(kind: str = "pair", **options: object) -> Path:
        key = repr((kind, sorted(options.items())))
        if key not in written:
            written[key] = folder / f"{len(written)}.pt"
            write_model(written[key], kind, **options)
        return written[key]

    return get
