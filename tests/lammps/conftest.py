# SPDX-License-Identifier: MIT
"""Fixtures of the LAMMPS tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from analytic_models import write_model


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What docs/validation.md quotes: the largest deviations seen, by tolerance (without pytest-xdist)."""
    import compare

    for tolerance, worst in compare.WORST.items():
        found = ", ".join(f"{value:.1e} {quantity}" for quantity, value in worst.items())
        terminalreporter.write_line(
            f"worst of the comparisons at energy {tolerance.energy:.0e} eV/atom: {found}"
        )
