# SPDX-License-Identifier: MIT
"""What the LAMMPS tests report at their end."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What docs/benchmarks/validation.md quotes: the largest deviations seen, by tolerance (without pytest-xdist)."""
    import compare

    for tolerance, worst in compare.WORST.items():
        found = ", ".join(f"{value:.1e} {quantity}" for quantity, value in worst.items())
        terminalreporter.write_line(
            f"worst of the comparisons at energy {tolerance.energy:.0e} eV/atom: {found}"
        )
