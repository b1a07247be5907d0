# SPDX-License-Identifier: MIT
"""Numbers in the logs and dumps of LAMMPS."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

SECTIONS = ("Pair", "Kspace", "Neigh", "Comm", "Modify", "Output", "Other")


def thermo(log: str) -> dict[str, np.ndarray]:
    """Columns of the last thermo table in a log, one line per output."""
    tables = re.findall(r"^ *(Step .*)\n((?: *-?\d.*\n)+)", log, re.MULTILINE)
    names, lines = tables[-1][0].split(), tables[-1][1].splitlines()
    rows = [line.split() for line in lines if len(line.split()) == len(names)]
    return dict(zip(names, np.array(rows, dtype=float).T, strict=True))


def dump(path: Path) -> dict[str, np.ndarray]:
    """Columns of a ``write_dump custom`` file, [n] each."""
    lines = path.read_text().splitlines()
    names = lines[8].split()[2:]
    table = np.array([line.split() for line in lines[9:]], dtype=float).reshape(-1, len(names))
    return dict(zip(names, table.T, strict=True))


def timing(log: str) -> dict[str, float]:
    """Speed of the last run in a log.

    Returns
    -------
    ``atoms``, ``steps``, ``atom_steps_per_second``, ``milliseconds_per_step`` and, for each section of LAMMPS,
    ``percent_NAME``.
    """
    loop = re.findall(r"^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", log, re.MULTILINE)
    seconds, steps, atoms = float(loop[-1][0]), int(loop[-1][1]), int(loop[-1][2])
    found = {
        "atoms": atoms,
        "steps": steps,
        "atom_steps_per_second": atoms * steps / seconds,
        "milliseconds_per_step": 1e3 * seconds / steps,
    }
    for section in SECTIONS:
        percent = re.findall(rf"^{section} +\|.*\| *(\S+) *$", log, re.MULTILINE)
        if percent:
            found[f"percent_{section}"] = float(percent[-1])
    return found
