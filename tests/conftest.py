# SPDX-License-Identifier: MIT
"""Fixtures of every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import other_lammps
import packages
import pytest
from analytic_models import write_model
from shared_data import SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of packages are slow: the first of them compiles."""
    for item in items:
        if "packaged" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference data and vectors; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data at {SHARED}: set PAIR_LES_SHARED")
    return SHARED


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


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], packages.Packaged]:
    """``packaged(kind)``: a network as TorchScript file and as package, each compiled once for all workers."""
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("needs a C++ compiler: install g++")
    session = tmp_path_factory.getbasetemp()
    folder = (session.parent if "PYTEST_XDIST_WORKER" in os.environ else session) / "packages"
    folder.mkdir(exist_ok=True)
    written: dict[str, packages.Packaged] = {}

    def get(kind: str) -> packages.Packaged:
        if kind not in written:
            written[kind] = packages.write(kind, folder)
        return written[kind]

    return get


@pytest.fixture(scope="session")
def other_update() -> other_lammps.OtherLammps:
    """A LAMMPS of the same date and another update than the one that the plugin was built for."""
    return other_lammps.install()
