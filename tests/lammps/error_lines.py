# SPDX-License-Identifier: MIT
"""What a run that must fail has printed."""

from __future__ import annotations

import re

import harness

FOREIGN = (
    "Traceback",
    "terminate called",
    "what():",
    "Segmentation",
    "C++ exception",
    "Exception raised from",
)


def assert_one_error_line(run: harness.Run, pattern: tuple[str, ...]) -> None:
    """LAMMPS failed with one ERROR line that matches, and printed nothing of C++ or Python."""
    lines = [line for line in run.output.splitlines() if line.startswith("ERROR")]
    assert len(lines) == 1, f"{len(lines)} ERROR lines:\n{run.output[-3000:]}"
    assert re.search(".*".join(pattern), lines[0]), f"no {pattern} in: {lines[0]}"
    assert run.returncode != 0
    found = [word for word in FOREIGN if word in run.output]
    assert not found, f"{found} in the output:\n{run.output[-3000:]}"
